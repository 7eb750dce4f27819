"""A credential as other programs write it down: one set of fields, spelled ``like_this`` or ``likeThis``. Pure.

Kiro IDE spells them in camel case, kiro-cli and CLIProxyAPIPlus with underscores; what they mean is the same.

Sources: the token files of Kiro IDE 1.x and kiro-cli 2.x, and ``kiro-*.json`` of CLIProxyAPIPlus and its relatives
(``internal/auth/kiro/aws.go``), read 2026-11.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from switchgear import LoginFailed
from switchgear_kiro.account import Credential, Method
from switchgear_kiro.aws_sign_in import BUILDER_ID_START_URL
from switchgear_kiro.endpoints import DEFAULT_REGION, checked_region
from switchgear_kiro.external_idp import check_endpoint

Document = Mapping[str, Any]

IDPS = ("Google", "Github", "BuilderId", "Enterprise", "Internal", "ExternalIdp")
SOCIAL = frozenset({"google", "github"})
OIDC_WORDS = frozenset({"idc", "builder-id", "builderid"})
MILLISECONDS = 1e11
"""A number larger than this is a moment in milliseconds."""
LATEST = 1e14
"""One that is no moment at all, in milliseconds."""


def spelled(document: Document, name: str) -> str:
    """How ``document`` spells ``name``; in camel case where it does not have it.

    >>> spelled({"expires_at": ""}, "expires_at"), spelled({}, "expires_at")
    ('expires_at', 'expiresAt')
    """
    head, *rest = name.split("_")
    return name if name in document else head + "".join(part.title() for part in rest)


def text(document: Document, *names: str) -> str:
    """The first of ``names`` that holds a text, of one line; empty where none does."""
    for name in names:
        value = document.get(spelled(document, name))
        if isinstance(value, str) and value.strip() and value.strip().isprintable():
            return value.strip()
    return ""


def moment(document: Document, *names: str) -> float | None:
    """The first of ``names`` that holds a moment, Unix seconds; one without a zone is UTC."""
    for name in names:
        value = document.get(spelled(document, name))
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < LATEST:
            return value / 1000 if value > MILLISECONDS else float(value)
        if isinstance(value, str):
            try:
                read = datetime.fromisoformat(value.strip())
                return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp()
            except (ValueError, OverflowError):
                continue
    return None


def written(seconds: float) -> str:
    """A moment as the IDE writes it.

    >>> written(1790000000.25)
    '2026-09-21T14:13:20.250Z'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def start_url_hash(start_url: str) -> str:
    """What the IDE calls ``clientIdHash``. It tells a start URL, and neither an account nor a client.

    >>> start_url_hash("https://view.awsapps.com/start")
    'e909a0580879b06ece1202964fbe9dda95ea4ce3'
    """
    compact = json.dumps({"startUrl": start_url}, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha1(compact.encode(), usedforsecurity=False).hexdigest()


def registration_name(document: Document) -> str:
    """The name of the file with the document's client registration; empty where it names none.

    Raises:
        LoginFailed: what it names is no name of a file beside it.
    """
    name = text(document, "client_id_hash")
    if name and not (name.isascii() and name.isalnum()):
        raise LoginFailed("its clientIdHash is no name of a file")
    return f"{name}.json" if name else ""


def credential_of(
    document: Document, registration: Document | None = None, *, method: Method | None = None
) -> Credential:
    """The credential in ``document``, its identity pending.

    Args:
        registration: the client registration that stands elsewhere; ``None`` where it stands in the document, if any
            does.
        method: where the place it was found in tells it; ``None`` to go by the document.

    Raises:
        LoginFailed: a field is missing or cannot be right; the message names it.
    """
    method = method or _method(document)
    access, refresh = text(document, "access_token"), text(document, "refresh_token")
    missing = [name for name, value in (("access_token", access), ("refresh_token", refresh)) if not value]
    if missing:
        raise LoginFailed(f"it lacks {' and '.join(spelled(document, name) for name in missing)}")
    if "..." in refresh or "…" in refresh:
        raise LoginFailed("its refresh token was cut short when it was copied")
    found = Credential(
        method,
        access_token=access,
        refresh_token=refresh,
        expires_at=moment(document, "expires_at", "expired") or 0.0,  # 0: ask for a new one before it is used
        email=text(document, "email"),
        idp=_idp(document, method),
        # Whatever ARN stands with a Builder ID is not its own: an earlier sign-in's, or everybody's.
        profile_arn="" if method == "builder-id" else text(document, "profile_arn"),
        scopes=_scopes(document),
    )
    match method:
        case "builder-id" | "idc":
            return _registered(found, document, document if registration is None else registration)
        case "external-idp":
            return _external(found, document)
        case _:
            return replace(found, auth_region=DEFAULT_REGION)


def _registered(found: Credential, document: Document, registration: Document) -> Credential:
    client_id, client_secret = text(registration, "client_id"), text(registration, "client_secret")
    if not client_id or not client_secret:
        name = registration_name(document) or "its registration"
        raise LoginFailed(f"it cannot be renewed without the client it was made for: {name} is missing or incomplete")
    is_builder_id = found.method == "builder-id"
    region = text(document, "idc_region", "sso_region", "region") or text(registration, "region")
    # A registration's own file calls its end expiresAt; in the document that is the token's.
    ends = ("client_secret_expires_at", *(() if registration is document else ("expires_at",)))
    return replace(
        found,
        start_url=BUILDER_ID_START_URL if is_builder_id else text(document, "start_url").rstrip("/"),
        sso_region=_region(region or DEFAULT_REGION),
        client_id=client_id,
        client_secret=client_secret,
        registration_expires_at=moment(registration, *ends),
        flow={"devicecode": "device", "pkce": "code"}.get(text(document, "oauth_flow").casefold(), ""),
    )


def _external(found: Credential, document: Document) -> Credential:
    endpoint, issuer = text(document, "token_endpoint"), text(document, "issuer_url")
    check_endpoint(endpoint, issuer)
    client_id, region = text(document, "client_id"), text(document, "region")
    if not client_id:
        raise LoginFailed("it does not name the client of the company's identity provider")
    return replace(
        found,
        token_endpoint=endpoint,
        issuer_url=issuer,
        client_id=client_id,
        sso_region=_region(region) if region else "",
    )


def _method(document: Document) -> Method:
    """By what the document says, in any spelling, and where it says nothing by what it has."""
    said = text(document, "auth_method").casefold().replace("_", "-")
    provider = text(document, "provider").casefold().replace("-", "")
    if said == "external-idp" or provider == "externalidp" or text(document, "token_endpoint"):
        return "external-idp"
    if said in {"social", *SOCIAL} or (said not in OIDC_WORDS and provider in SOCIAL):
        return "social"
    if said in OIDC_WORDS or text(document, "client_id", "client_id_hash", "start_url"):
        return "builder-id" if said.startswith("builder") or _is_builder_id(document, provider) else "idc"
    if text(document, "profile_arn"):
        return "social"
    raise LoginFailed("it does not say how the account was signed in: authMethod is missing or unknown")


def _is_builder_id(document: Document, provider: str) -> bool:
    if provider:
        return provider == "builderid"
    told_by_url = text(document, "start_url").rstrip("/") == BUILDER_ID_START_URL
    return told_by_url or text(document, "client_id_hash") == start_url_hash(BUILDER_ID_START_URL)


def _idp(document: Document, method: Method) -> str:
    fixed = {"builder-id": "BuilderId", "external-idp": "ExternalIdp"}.get(method)
    given = {text(document, name).casefold() for name in ("provider", "auth_method")}
    known = next((idp for idp in IDPS if idp.casefold() in given), "")
    return fixed or known or ("Enterprise" if method == "idc" else "")


def _scopes(document: Document) -> str:
    scopes = document.get("scopes")
    if isinstance(scopes, list | tuple):
        return " ".join(scope for scope in scopes if isinstance(scope, str))
    return text(document, "scopes")


def _region(region: str) -> str:
    try:
        return checked_region(region)
    except ValueError as error:
        raise LoginFailed(f"its region cannot be right: {error}") from None
