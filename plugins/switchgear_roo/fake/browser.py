"""The browser of the people of the fake: it says who sits at it, and goes where it is sent."""

from __future__ import annotations

import ssl

import httpx2

PERSON_HEADER = "x-person"
MOST_REDIRECTS = 4


async def follow(url: str, person: str) -> None:
    """Open a sign-in page, come back to the callback, and go where that sends on to."""
    async with opened(person) as browser:
        for _ in range(MOST_REDIRECTS):
            response = await browser.get(url)
            if not response.is_redirect:
                return
            url = response.headers["location"]


def opened(person: str = "") -> httpx2.AsyncClient:
    """A browser with nothing open. It trusts no certificate: none is here, and reading the system's takes long."""
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.AsyncClient(trust_env=False, verify=nobody, headers={PERSON_HEADER: person} if person else {})
