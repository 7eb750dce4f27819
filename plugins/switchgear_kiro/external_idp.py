"""What is trusted of a company's own identity provider, as another program's file names it.

The refresh token goes to whatever address stands in that file, so the address has to be the issuer's own.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from switchgear import LoginFailed


def check_endpoint(token_endpoint: str, issuer_url: str) -> None:
    """See that ``token_endpoint`` is https and on the issuer's host.

    Raises:
        LoginFailed: it is not, or one of the two is missing.
    """
    endpoint, issuer = _https("token endpoint", token_endpoint), _https("issuer", issuer_url)
    if endpoint.hostname != issuer.hostname:
        raise LoginFailed(
            f"its token endpoint is on {endpoint.hostname}, and its issuer on {issuer.hostname}: a refresh token is "
            "sent to the issuer's own host only"
        )


def _https(what: str, url: str) -> SplitResult:
    if not url:
        raise LoginFailed(f"it does not name the {what} of the company's identity provider")
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and (parts.port or 443) > 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or not url.isprintable() or " " in url:
        raise LoginFailed(f"the {what} of the company's identity provider is no https address")
    return parts
