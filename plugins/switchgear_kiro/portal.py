"""The portal: Kiro's one sign-in page for every kind of account, which sends the browser back to this machine.

For Google and GitHub it brings a code. For AWS it only says which directory the person chose, and the sign-in itself
follows with a device code. Source: the vendor's command line, minpeter/kiro-lb and kirodotdev/Kiro, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import httpx2

from switchgear import Account, Login, LoginFailed, UpstreamClient
from switchgear.oauth import CallbackListener, Pkce, new_pkce, new_state
from switchgear_kiro.account import Credential
from switchgear_kiro.aws_sign_in import BUILDER_ID, Directory, organisation, sign_in_with_aws
from switchgear_kiro.endpoints import portal_base
from switchgear_kiro.settings import KiroSettings
from switchgear_kiro.social import AGAIN, exchange

PORTS: tuple[int, ...] = (3128, 4649, 6588, 8008, 9091, 49153, 50153, 51153, 52153, 53153)
"""The only ones the service sends a browser back to; of the first it is the best known (apmantza/pi-free, 2026-08)."""
PATHS = ("/oauth/callback", "/signin/callback")
"""Which of them is used differs by option and by release (kirodotdev/Kiro 8555 and 10053)."""
LIMIT_S = 600.0
CLIENT = "kirocli"
"""The portal has to be told which client it serves, and knows two; this is the one without a window of its own."""
SOCIAL = {"google": "Google", "github": "Github"}
PORT_REFUSED = (
    "Kiro does not send the browser back to this port (redirect_mismatch): end the program that uses port 3128, "
    f"or use the method social; {AGAIN}"
)
PAGE = "Switchgear goes on from here. The terminal says whether there is more to do."


async def sign_in_by_portal(
    settings: KiroSettings, login: Login, client: UpstreamClient, stored: Iterable[Account]
) -> Credential:
    """Sign in on the portal's page, whatever kind of account it is.

    Raises:
        LoginFailed: the service or the person said no, nobody came, or the option cannot be used here.
        UpstreamError: a service could not be asked, or failed.
    """
    state, pkce = new_state(), new_pkce()
    async with CallbackListener(state, path=PATHS, host="localhost", port=PORTS, page=PAGE) as listener:
        await login.show(portal_url(settings, listener.origin, state, pkce))
        try:
            came = await listener.wait(login, limit_s=LIMIT_S)
        except LoginFailed as error:
            if "redirect_mismatch" in str(error):
                raise LoginFailed(PORT_REFUSED) from error
            raise
    option = came.get("login_option", "")
    if idp := SOCIAL.get(option):
        code = came.get("code", "")
        if not code:
            raise LoginFailed(f"the browser came back without a code; {AGAIN}")
        redirect_uri = f"{listener.origin}{listener.came_to}?login_option={option}"
        return await exchange(settings, client, code, pkce, redirect_uri, idp)
    directory = _directory(option, came)
    await login.progress(f"now sign in at {directory.start_url}")
    return await sign_in_with_aws(settings, login, client, stored, directory)


def portal_url(settings: KiroSettings, origin: str, state: str, pkce: Pkce) -> str:
    """The page to open. ``origin`` has no path: the portal appends its own."""
    parameters = {
        "state": state,
        "code_challenge": pkce.challenge,
        "code_challenge_method": pkce.method,
        "redirect_uri": origin,
        "redirect_from": CLIENT,
    }
    return str(httpx2.URL(portal_base(settings) + "/signin", params=parameters))


def _directory(option: str, came: Mapping[str, str]) -> Directory:
    start_url, region = came.get("issuer_url", ""), came.get("idc_region", "")
    match option:
        case "builderid":
            if not start_url or not region:
                return BUILDER_ID
            told = organisation(start_url, region)
            return Directory("builder-id", BUILDER_ID.idp, told.start_url, told.region)
        case "awsidc" | "internal":
            if not start_url or not region:  # never guessed: another region's directory would ask somebody else
                raise LoginFailed(
                    f"the portal does not say where your organisation signs in; use the method idc, {AGAIN}"
                )
            return organisation(start_url, region, "Internal" if option == "internal" else "Enterprise")
        case "external_idp":
            raise LoginFailed(
                "accounts of a company's own identity provider are not signed in here; sign in with Kiro IDE or "
                "kiro-cli, and take that over with the method import"
            )
        case _:
            raise LoginFailed(f"the portal chose a way to sign in that is not known here ({option[:40]!r}); {AGAIN}")
