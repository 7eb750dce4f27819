"""The browser of the fake's people: it says who sits at it, fills in what it is shown, and goes where it is sent."""

from __future__ import annotations

import ssl
from urllib.parse import parse_qsl, urlsplit

import httpx2

PERSON_HEADER = "x-person"
MOST_REDIRECTS = 4
DEVICE_PAGES = ("/device", "/account/device")


async def visit(url: str, code: str | None, person: str, *, confirms: bool = True) -> None:
    """Open the page, enter the code if any, and confirm, or refuse.

    Raises:
        RuntimeError: a page on the way is none.
    """
    nobody = ssl.SSLContext(
        ssl.PROTOCOL_TLS_CLIENT
    )  # nothing here speaks TLS, and reading the system's list takes long
    headers = {PERSON_HEADER: person, "x-answer": "yes" if confirms else "no"}
    async with httpx2.AsyncClient(trust_env=False, verify=nobody, headers=headers) as browser:
        if urlsplit(url).path in DEVICE_PAGES:
            shown = dict(parse_qsl(urlsplit(url).query)).get("user_code", code)
            answer = await browser.post(url, data={"user_code": shown or ""})
        else:
            answer = await browser.get(url)
            for _ in range(MOST_REDIRECTS):
                if not answer.is_redirect:
                    break
                answer = await browser.get(answer.headers["location"].replace("//localhost:", "//127.0.0.1:"))
    if answer.status_code != 200:
        raise RuntimeError(f"the browser ended on {answer.status_code}: {answer.text[:200]}")
