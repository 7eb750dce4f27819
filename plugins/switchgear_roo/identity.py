"""Who an account is, and what is kept of it: in its file, and from another program's.

A person has credit of their own and in each organisation, so an account is a user id *and* an organisation id; the
e-mail only names it.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from switchgear import Account, LoginFailed, Secret
from switchgear_roo.claims import Claims, read_claims

Flow = Literal["clerk", "cli", "static"]

CLIENT_TOKEN = "clerk-token"  # noqa: S105 - a name
"""The secret that mints session tokens."""
SESSION_TOKEN = "session-token"  # noqa: S105 - a name
"""The secret of one minute; only in memory."""
TOKEN = "token"  # noqa: S105 - a name
"""The secret of the other flows."""

FLOW, USER, EMAIL, ORGANIZATION, ORGANIZATION_NAME, SESSION = (
    "flow",
    "user-id",
    "email",
    "organization-id",
    "organization",
    "session-id",
)
"""The names of an account's details."""

PERSONAL = "personal"
PERSONS_OWN = "auth"
"""The purpose of a token that the command line's page sends."""
NO_ORGANIZATION = frozenset({"", "null"})
"""How a callback says that the account is the person's own, where it says anything."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._@+-]+")
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class ClerkSession:
    """What a sign-in by ticket is about.

    Attributes:
        organization_id: empty for the person's own account; ``None`` only for one that an old version wrote without
            saying: session tokens are then asked for without the field.
        organization_name: its slug or name, for people; empty where there is none, or it is not known.
    """

    client_token: Secret
    session_id: str
    user_id: str
    organization_id: str | None = ""
    organization_name: str = ""
    email: str = ""


def clerk_account(session: ClerkSession, label: str | None = None, identity_org: str = "") -> Account:
    """The account of a session, without a session token yet: one is minted when a request needs it.

    Args:
        session: from the sign-in, or a file.
        label: the operator's.
        identity_org: the organisation of a session that does not say; empty for the person's own account.
    """
    org_id = identity_org if session.organization_id is None else session.organization_id
    details = {FLOW: "clerk", USER: session.user_id, SESSION: session.session_id, EMAIL: session.email}
    details[ORGANIZATION_NAME] = session.organization_name or org_id
    kept = {name: value for name, value in details.items() if value}
    if session.organization_id is not None:
        kept[ORGANIZATION] = session.organization_id
    return Account(
        account_id(session.user_id, org_id),
        label=label or _label(session.email or session.user_id, session.organization_name or org_id),
        secrets={CLIENT_TOKEN: session.client_token},
        details=kept,
        expires_at=0.0,
        refresh_at=math.inf,
    )


def token_account(
    flow: Flow, token: Secret, label: str | None = None, *, email: str = "", organization_name: str = ""
) -> Account:
    """The account of a token that is sent as it is, by its claims; a key without claims is known by its digest."""
    claims = read_claims(token.reveal()) or Claims()
    if not claims.user_id:
        name = f"key-{token.fingerprint()}"
        return Account(name, label=label or name, secrets={TOKEN: token}, details={FLOW: flow}, **_expiry(claims))
    org = organization_name or claims.org_id
    details = {FLOW: flow, USER: claims.user_id, ORGANIZATION: claims.org_id, ORGANIZATION_NAME: org, EMAIL: email}
    return Account(
        account_id(claims.user_id, claims.org_id),
        label=label or _label(email or claims.user_id, org),
        secrets={TOKEN: token},
        details={name: value for name, value in details.items() if value},
        **_expiry(claims),
    )


def _expiry(claims: Claims) -> dict[str, Any]:
    """There is nothing to refresh such a token with, so it is never tried ahead of need."""
    return {"expires_at": claims.expires_at, "refresh_at": None if claims.expires_at is None else math.inf}


def account_id(user_id: str, org_id: str) -> str:
    """One id for each pair; without an organisation it is the person's own account.

    >>> account_id("user_1", "")
    'user_1'
    >>> account_id("user_1", "org_9")
    'user_1:org_9'
    """
    user = quote(user_id, safe="")
    return f"{user}:{quote(org_id, safe='')}" if org_id else user


def _label(person: str, org: str) -> str:
    return _UNSAFE.sub("-", f"{person}-{org or PERSONAL}")[:64]


def unfit_token(token: str) -> str:
    """What keeps a text from being a token; empty when nothing does."""
    if not token:
        return "is empty"
    if not token.isascii() or not token.isprintable() or " " in token:
        return "holds a character that no header can carry; was it copied whole?"
    return ""


def fit_session_id(session_id: str) -> bool:
    """Whether it can stand in a path."""
    return _SESSION_ID.fullmatch(session_id) is not None


# -- from another program's file -------------------------------------------------------------------------------


def imported(document: Mapping[str, Any]) -> Account | None:
    """The account of a file with ``"type": "roo"``; ``None`` for any other.

    Its fields: ``flow`` (``clerk``, ``cli``, ``static``), ``client_token``, ``session_id``, ``organization_id``
    (``null`` for the person's own account; missing in files of old versions), ``token``, ``user_id``, ``email``,
    ``org_id``, ``org_name``. When a token expires is read from the token.

    Raises:
        LoginFailed: a field is missing.
    """
    if document.get("type") != "roo":
        return None
    flow = document.get("flow") or _flow_of(document)
    match flow:
        case "clerk":
            return _imported_session(document)
        case "cli" | "static":
            return _imported_token(flow, document)
    raise LoginFailed(f"its flow {str(flow)[:40]!r} is none of clerk, cli and static; sign in instead")


def _flow_of(document: Mapping[str, Any]) -> Flow:
    """The flow of a file that does not say: by the token it holds."""
    if document.get("client_token"):
        return "clerk"
    claims = read_claims(_text(document, "token"))
    return "cli" if claims is not None and claims.purpose == PERSONS_OWN else "static"


def _imported_session(document: Mapping[str, Any]) -> Account:
    wanted = {name: _text(document, name) for name in ("client_token", "session_id", "user_id")}
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        raise LoginFailed(f"it lacks {', '.join(missing)}; sign in instead with: switchgear login --method clerk")
    problem = unfit_token(wanted["client_token"])
    if problem or not fit_session_id(wanted["session_id"]):
        raise LoginFailed(f"its {'client_token ' + problem if problem else 'session_id is none'}; sign in instead")
    organization = _text(document, "organization_id")
    says = "organization_id" in document
    session = ClerkSession(
        Secret(wanted["client_token"]),
        wanted["session_id"],
        wanted["user_id"],
        ("" if organization in NO_ORGANIZATION else organization) if says else None,
        _text(document, "org_name"),
        _text(document, "email"),
    )
    return clerk_account(session, identity_org=_text(document, "org_id"))


def _imported_token(flow: Literal["cli", "static"], document: Mapping[str, Any]) -> Account:
    token = _text(document, "token")
    if problem := unfit_token(token):
        raise LoginFailed(f"its token {problem}; sign in instead with: switchgear login --method {flow}")
    names = {"email": _text(document, "email"), "organization_name": _text(document, "org_name")}
    account = token_account(flow, Secret(token), **names)
    if flow == "cli" and USER not in account.details:
        raise LoginFailed("its token names no user; sign in instead with: switchgear login --method cli")
    if account.expires_at is not None and account.expires_at <= time.time():
        raise LoginFailed("its token has expired; sign in instead with: switchgear login")
    return account


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value.strip() if isinstance(value, str) else ""
