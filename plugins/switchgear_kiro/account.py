"""Which account a credential is, and everything that is kept of it. Pure.

A person is known by the user id that the usage call tells, and by nothing else: a profile's ARN is shared by all social
users, by all Builder ID users and by everybody of one organisation; a start URL by an organisation; the same e-mail
address exists in two organisations; a client id is new with every sign-in; and tokens are opaque (read 2026-11).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from switchgear import Account, Secret

Method = Literal["builder-id", "idc", "social", "external-idp", "api-key"]
"""How an account proves who it is, which decides how its credential is renewed."""

ACCESS_TOKEN, REFRESH_TOKEN, API_KEY, CLIENT_SECRET = "access_token", "refresh_token", "api_key", "client_secret"
"""The names of an account's secrets; it has either a key or the tokens."""
METHOD, USER_ID, REGISTRATION_EXPIRES_AT = "method", "user_id", "registration_expires_at"
TEXTS = (
    USER_ID,
    "email",
    "idp",
    "start_url",
    "sso_region",
    "api_region",
    "auth_region",
    "client_id",
    "profile_arn",
    "token_endpoint",
    "issuer_url",
    "scopes",
    "flow",
    "token_file",
)
"""The names of its details that are kept as they are: fields of :class:`Credential`. An empty one is left out."""

REFRESH_AHEAD_S = 600.0
"""How long before its end a token is renewed; the one that is still good serves where that fails for a while."""
PENDING = "pending:"
"""How the id of an account begins of whom nobody knows yet who it is."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Everything the plugin knows of one account: what an ``Account`` carries, typed. Empty means unknown.

    Attributes:
        method: how it proves who it is.
        access_token: the bearer; the ``ksk_`` key where ``method`` is ``api-key``.
        refresh_token: empty for a key.
        expires_at: of the access token, Unix seconds; ``None`` where it does not expire.
        user_id: who it is; empty while the usage call has not told (the identity is pending).
        email: as the usage call tells it. It identifies nobody.
        idp: ``Google``, ``Github``, ``BuilderId``, ``Enterprise``, ``Internal`` or ``ExternalIdp``.
        start_url: of the organisation, or Builder ID's own.
        sso_region: where tokens are given out and renewed (``builder-id``, ``idc``).
        api_region: of the data plane; empty to go by ``profile_arn``.
        auth_region: of the social auth service.
        client_id: the registration the refresh token is bound to.
        client_secret: likewise.
        registration_expires_at: when that ends, and the sign-in with it, Unix seconds; ``None`` where unknown.
        profile_arn: the profile that requests are made for.
        token_endpoint: of the company's identity provider (``external-idp``).
        issuer_url: likewise.
        scopes: what was asked for, separated by spaces.
        flow: what the registration is good for: ``device`` or ``code``.
        token_file: the path of another program's file that is used in place.
        account_id: ``Account.id``; empty while it is not made.
        label: ``Account.label``; empty to have one made: how it signed in, and a digest of the id.
    """

    method: Method
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: float | None = None
    user_id: str = ""
    email: str = ""
    idp: str = ""
    start_url: str = ""
    sso_region: str = ""
    api_region: str = ""
    auth_region: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    registration_expires_at: float | None = None
    profile_arn: str = ""
    token_endpoint: str = ""
    issuer_url: str = ""
    scopes: str = ""
    flow: str = ""
    token_file: str = ""
    account_id: str = ""
    label: str = ""
    _masked: tuple[Secret, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # While these live, what is secret in here is masked in every text that leaves the program.
        masked = tuple(Secret(text) for text in (self.access_token, self.refresh_token, self.client_secret))
        object.__setattr__(self, "_masked", masked)

    @classmethod
    def of(cls, account: Account) -> Credential:
        """What ``account`` carries. One without a method, or with an unknown one, is taken for ``builder-id``."""
        details = account.details
        method: Method = next((known for known in METHODS if known == details.get(METHOD)), "builder-id")
        bearer = account.secrets.get(API_KEY if method == "api-key" else ACCESS_TOKEN)
        return cls(
            method,
            access_token=_revealed(bearer),
            refresh_token=_revealed(account.secrets.get(REFRESH_TOKEN)),
            expires_at=account.expires_at,
            client_secret=_revealed(account.secrets.get(CLIENT_SECRET)),
            registration_expires_at=_moment(details.get(REGISTRATION_EXPIRES_AT, "")),
            account_id=account.id,
            label=account.label,
            **{name: details[name] for name in TEXTS if name in details},
        )

    @property
    def directory(self) -> tuple[str, str]:
        """Where it signed in: nobody is the same person in two of them."""
        return self.method, self.start_url or self.idp

    @property
    def is_pending(self) -> bool:
        """Whether nobody knows yet who this is."""
        return not self.user_id and self.method != "api-key"

    def account(self) -> Account:
        """The account. One whose id is not made yet gets one by what is known, at random where nothing is."""
        account_id = self.account_id or self.made_id()
        digest = hashlib.sha256(account_id.encode()).hexdigest()[:8]
        return self.applied_to(Account(account_id, self.label or f"{self.method}-{digest}"))

    def applied_to(self, account: Account) -> Account:
        """``account`` with this credential; its id, its label and what the operator decided stay."""
        bearer = API_KEY if self.method == "api-key" else ACCESS_TOKEN
        named = {bearer: self.access_token, REFRESH_TOKEN: self.refresh_token, CLIENT_SECRET: self.client_secret}
        details: dict[str, str] = {METHOD: self.method}
        details |= {name: text for name in TEXTS if (text := getattr(self, name))}
        if self.registration_expires_at is not None:
            details[REGISTRATION_EXPIRES_AT] = str(int(self.registration_expires_at))
        return replace(
            account,
            secrets={name: Secret(text) for name, text in named.items() if text},
            details=details,
            expires_at=self.expires_at,
            refresh_at=None if self.expires_at is None else self.expires_at - REFRESH_AHEAD_S,
            login_expires_at=self.registration_expires_at,
        )

    def made_id(self) -> str:
        """The id of a new account: never from an ARN, a client id or the clock.

        That is the key's digest; the user id; the method, the directory and the e-mail address; or chance.
        """
        if self.method == "api-key":
            return f"key:{Secret(self.access_token).fingerprint()}"
        if self.user_id:
            return f"user:{self.user_id}"
        if self.email:
            return ":".join((*self.directory, self.email.casefold()))
        return f"{PENDING}{secrets.token_hex(8)}"


METHODS: tuple[Method, ...] = get_args(Method)


def known_as(credential: Credential, stored: Iterable[Account]) -> Credential:
    """``credential`` under the id and the label of the account that is the same person's, where one is stored.

    The same person is the same user id, whatever the stored account is called: one whose identity was pending at first
    keeps its id when a refresh has found out who it is. Without a user id it is the same person only where the same id
    is made of what is known.
    """
    made, accounts = credential.made_id(), list(stored)
    same = [one for one in accounts if _is_users(one, credential)] or [one for one in accounts if one.id == made]
    if not same:
        return replace(credential, account_id=made)
    known = min(same, key=lambda one: one.id.startswith(PENDING))
    # The service leaves the e-mail address out at times: the one that is known stays.
    email = credential.email or known.details.get("email", "")
    return replace(credential, account_id=known.id, label=known.label, email=email)


def twins_of(account: Account, stored: Iterable[Account]) -> list[Account]:
    """The other stored accounts of the same person: made while nobody knew who it was, and superseded."""
    credential = Credential.of(account)
    return [one for one in stored if one.id != account.id and _is_users(one, credential)]


def _is_users(account: Account, credential: Credential) -> bool:
    """Whether ``account`` is a sign-in of the credential's user. A key of theirs is an account beside it."""
    details = account.details
    signed_in = details.get(METHOD) != "api-key" and credential.method != "api-key"
    return signed_in and details.get(USER_ID) == credential.user_id  # an unknown one is left out of the details


def _revealed(secret: Secret | None) -> str:
    return "" if secret is None else secret.reveal()


def _moment(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
