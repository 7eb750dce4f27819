"""Which account a credential is, and everything that is kept of it. Pure.

A person is known by the ``sub`` of their access token, and by nothing else: tokens change with every sign-in, the
e-mail address is shared by nobody but may change, and a team's members have no id in common that would be theirs
(captured tokens, read 2026-11). A key that was exchanged and a session of one person have one ``sub``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from switchgear import Account, Secret
from switchgear_cursor.claims import claims_of

CredentialKind = Literal["api-key", "session"]
"""How an account proves who it is: by a key, which is exchanged for an access token as often as need be, or by a
browser session, whose token ends after 60 days."""

ACCESS_TOKEN, REFRESH_TOKEN, API_KEY = "access_token", "refresh_token", "api_key"
"""The names of an account's secrets."""
METHOD, KEY_EXPIRES_AT, SUBJECT, EMAIL, PLACE = "method", "key_expires_at", "subject", "email", "place"
"""The names of its details; an empty one is left out."""

CONFIGURATION = "configuration"

SESSION_AHEAD_S = 24 * 3600.0
"""How long before its end a session is renewed; nobody knows whether that works for every session."""
UNKNOWN_LIFE_S = 3600.0
"""How long a token is taken to be good that does not say."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Everything the plugin knows of one account: what an ``Account`` carries, typed. Empty means unknown.

    Attributes:
        kind: how it proves who it is.
        access_token: the bearer of every call; empty for a key that was not exchanged yet.
        refresh_token: of a session; often the access token itself.
        api_key: empty for a session.
        subject: the ``sub`` of its access token.
        email: for people.
        expires_at: of the access token, Unix seconds; 0 while there is none.
        key_expires_at: of the key, Unix seconds; ``None`` where unknown.
        in_configuration: it is a key of the configuration, and stands in no file.
        account_id: ``Account.id``; empty while it is not made.
        label: ``Account.label``; empty to have one made.
    """

    kind: CredentialKind
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    subject: str = ""
    email: str = ""
    expires_at: float = 0.0
    key_expires_at: float | None = None
    in_configuration: bool = False
    account_id: str = ""
    label: str = ""
    _masked: tuple[Secret, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # While these live, what is secret in here is masked in every text that leaves the program.
        masked = tuple(Secret(text) for text in (self.access_token, self.refresh_token, self.api_key))
        object.__setattr__(self, "_masked", masked)

    @classmethod
    def of(cls, account: Account) -> Credential:
        """What ``account`` carries."""
        details, secrets = account.details, account.secrets
        return cls(
            "api-key" if API_KEY in secrets else "session",
            access_token=_revealed(secrets.get(ACCESS_TOKEN)),
            refresh_token=_revealed(secrets.get(REFRESH_TOKEN)),
            api_key=_revealed(secrets.get(API_KEY)),
            subject=details.get(SUBJECT, ""),
            email=details.get(EMAIL, ""),
            expires_at=account.expires_at or 0.0,
            key_expires_at=_moment(details.get(KEY_EXPIRES_AT, "")),
            in_configuration=details.get(PLACE) == CONFIGURATION,
            account_id=account.id,
            label=account.label,
        )

    def with_access(self, access_token: str, now: float) -> Credential:
        """The credential with a new access token, which says until when it is good, and whose it is."""
        claims = claims_of(access_token)
        expires_at = now + UNKNOWN_LIFE_S if claims.expires_at is None else claims.expires_at
        subject = self.subject or claims.subject
        return replace(self, access_token=access_token, expires_at=expires_at, subject=subject)

    def account(self) -> Account:
        """The account. One whose id is not made yet gets one by what is known."""
        return self.applied_to(Account(self.account_id or self.made_id(), self.label))

    def applied_to(self, account: Account) -> Account:
        """``account`` with this credential; its id, its label and what the operator decided stay."""
        named = {ACCESS_TOKEN: self.access_token, REFRESH_TOKEN: self.refresh_token, API_KEY: self.api_key}
        details: dict[str, str] = {METHOD: self.kind, SUBJECT: self.subject, EMAIL: self.email}
        if self.key_expires_at is not None:
            details[KEY_EXPIRES_AT] = str(int(self.key_expires_at))
        if self.in_configuration:
            details[PLACE] = CONFIGURATION
        is_key = self.kind == "api-key"
        return replace(
            account,
            secrets={name: Secret(text) for name, text in named.items() if text},
            details={name: text for name, text in details.items() if text},
            expires_at=self.expires_at,
            refresh_at=None if is_key else self.expires_at - SESSION_AHEAD_S,
            login_expires_at=self.key_expires_at if is_key else self.expires_at,
        )

    def made_id(self) -> str:
        """The id of a new account: the subject, or where the token names none the key's digest.

        Raises:
            ValueError: neither is known.
        """
        if self.subject:
            return f"user:{self.subject}"
        if self.api_key:
            return f"key:{Secret(self.api_key).fingerprint(32)}"
        raise ValueError("the token does not say whose it is")


def _revealed(secret: Secret | None) -> str:
    return "" if secret is None else secret.reveal()


def _moment(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
