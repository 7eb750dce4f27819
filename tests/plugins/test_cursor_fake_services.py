"""The fake services are as strict as the real ones are known to be: what they let pass proves something."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from switchgear.upstream import USER_AGENT
from switchgear_cursor.endpoints import USABLE_MODELS, USAGE
from switchgear_cursor.framing import envelope
from switchgear_cursor.settings import CLIENT_VERSION
from tests.plugins.cursor_desk import Desk, desk


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as made:
        yield made


Headers = dict[str, str | None]
"""What differs from a good call's; ``None`` for a header that is not sent."""


async def status(here: Desk, changed: Headers, path: str = USAGE, content: bytes = b"{}") -> tuple[int, str]:
    """What a call is answered."""
    good: Headers = {
        "authorization": f"Bearer {here.account().secrets['access_token'].reveal()}",
        "connect-protocol-version": "1",
        "content-type": "application/json",
        "x-cursor-client-type": "cli",
        "x-cursor-client-version": CLIENT_VERSION,
        "x-ghost-mode": "true",
        "x-request-id": str(uuid.uuid4()),
        "user-agent": USER_AGENT,
    }
    sent = {name: value for name, value in {**good, **changed}.items() if value is not None}
    response = await here.client.fetch(httpx2.Request("POST", here.server.url + path, headers=sent, content=content))
    return response.status_code, response.text


async def test_a_good_call_is_answered(here: Desk) -> None:
    assert (await status(here, {}))[0] == 200
    sdk: Headers = {"x-cursor-client-type": "sdk", "x-cursor-client-version": "sdk-1.0.31"}
    assert (await status(here, sdk))[0] == 200


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        pytest.param({"authorization": None}, (401, "NOT_LOGGED_IN"), id="nobody"),
        pytest.param({"authorization": "Bearer made-up"}, (401, "NOT_LOGGED_IN"), id="a token that was never given"),
        pytest.param({"connect-protocol-version": None}, (400, "Connect-Protocol-Version"), id="no protocol version"),
        pytest.param({"x-cursor-client-type": None}, (400, "OUTDATED_CLIENT"), id="no kind of client"),
        pytest.param(
            {"x-cursor-client-version": "sdk-1.0.31"}, (400, "OUTDATED_CLIENT"), id="a version of another kind"
        ),
        pytest.param({"x-cursor-client-version": "cli-2025.01.01-abcdef0"}, (400, "OUTDATED_CLIENT"), id="too old"),
        pytest.param({"x-ghost-mode": None}, (400, "missing required header"), id="no privacy mode"),
        pytest.param({"x-request-id": "7"}, (400, "missing required header"), id="no request id"),
        pytest.param({"x-cursor-checksum": "x"}, (400, "no device"), id="a device's checksum"),
        pytest.param({"user-agent": "connect-es/1.6.1"}, (400, "own name"), id="another program's name"),
        pytest.param({"content-type": "application/connect+proto"}, (415, ""), id="a stream's type"),
        pytest.param({"content-type": None}, (415, ""), id="no type"),
    ],
)
async def test_a_call_that_is_put_wrong_is_refused(here: Desk, changed: Headers, refusal: tuple[int, str]) -> None:
    found, text = await status(here, changed)
    assert found == refusal[0]
    assert refusal[1] in text


@pytest.mark.parametrize("kind", ["application/json", "application/proto"])
async def test_a_framed_unary_call_is_refused(here: Desk, kind: str) -> None:
    found, text = await status(here, {"content-type": kind}, USABLE_MODELS, envelope(b""))
    assert found == 400
    assert "parse" in text


async def test_an_expired_token_says_so(here: Desk) -> None:
    token = here.account().secrets["access_token"].reveal()
    here.people.expire()
    assert "AUTH_TOKEN_EXPIRED" in (await status(here, {"authorization": f"Bearer {token}"}))[1]


async def test_a_sign_in_is_handed_out_once_and_to_its_verifier_alone(here: Desk) -> None:
    await here.sign_in()
    told = here.bodies("/auth/poll")[-1]
    request = httpx2.Request("POST", f"{here.server.url}/auth/poll", json=told)
    assert (await here.client.fetch(request)).status_code == 404
    await here.login.visit(
        f"{here.server.url}/loginDeepControl?challenge={'x' * 43}&uuid={told['uuid']}&mode=login&redirectTarget=cli",
        "ben",
    )
    request = httpx2.Request("POST", f"{here.server.url}/auth/poll", json=told)
    assert (await here.client.fetch(request)).status_code == 403
