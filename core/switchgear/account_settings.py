"""What the operator decides about an account, in a document of its own: no refresh and no new sign-in undoes it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from switchgear.authfile import authfile_name
from switchgear.durable import write_atomically
from switchgear.errors import AuthFileError
from switchgear.references import resolve
from switchgear.secret import Secret
from switchgear.types import Account

FOLDER = "operator"
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,63}")


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """The operator's word on one account; ``None`` where there is none.

    Attributes:
        label: shown instead of the plugin's own.
        disabled: true takes the account out of service.
        priority: accounts with a higher one are asked first; 0 unless set.
        weight: its share where the strategy is ``weighted``; 1 unless set, 0 for only when no other can be asked.
        proxy_url: the proxy of the account's calls, or a reference to it (``env:``, ``file:``, ``keyring:``).
    """

    label: str | None = None
    disabled: bool | None = None
    priority: int | None = None
    weight: int | None = None
    proxy_url: str | None = None

    def on(self, account: Account) -> Account:
        """The account as the operator wants it."""
        return replace(
            account,
            label=self.label or account.label,
            disabled=account.disabled if self.disabled is None else self.disabled,
            priority=account.priority if self.priority is None else self.priority,
            weight=account.weight if self.weight is None else self.weight,
            proxy_url=account.proxy_url if self.proxy_url is None else Secret(resolve(self.proxy_url)),
        )


class AccountSettingsFolder:
    """The documents of one provider entry, one an account, in a folder below the auth directory."""

    def __init__(self, auth_dir: Path, provider: str) -> None:
        self._folder = auth_dir / FOLDER
        self._provider = provider

    def read(self, account_id: str) -> AccountSettings:
        """The operator's word.

        Raises:
            ValueError: the document is damaged. What it said is unknown, so the account is best left alone.
        """
        path = self._path(account_id)
        try:
            given = json.loads(path.read_bytes())["settings"]
            settings = AccountSettings(**{name.replace("-", "_"): value for name, value in given.items()})
            _check_types(settings)
        except FileNotFoundError:
            return AccountSettings()
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            problem = f"{type(error).__name__}: {error}"[:200]
            raise ValueError(f"{FOLDER}/{path.name} cannot be used ({problem}); mend it or delete it") from None
        return settings

    def write(self, account_id: str, settings: AccountSettings) -> None:
        """Write the document, durably.

        Raises:
            ValueError: a value does not do.
            AuthFileError: it cannot be written; the old one is still there.
        """
        _check_types(settings)
        if settings.proxy_url is not None:
            _check_proxy(settings.proxy_url)
        given = {name.replace("_", "-"): value for name, value in asdict(settings).items() if value is not None}
        content = {"provider": self._provider, "account": account_id, "settings": given}
        path = self._path(account_id)
        try:
            write_atomically(path, json.dumps(content, indent=2).encode() + b"\n")
        except OSError as error:
            raise AuthFileError(f"{path} cannot be written: {error.strerror}") from None

    def remove(self, account_id: str) -> None:
        """Forget the account."""
        self._path(account_id).unlink(missing_ok=True)

    def _path(self, account_id: str) -> Path:
        return self._folder / authfile_name(self._provider, account_id)


def _check_types(settings: AccountSettings) -> None:
    label: object = settings.label
    disabled: object = settings.disabled
    priority: object = settings.priority
    weight: object = settings.weight
    proxy_url: object = settings.proxy_url
    if label is not None and not (isinstance(label, str) and LABEL.fullmatch(label)):
        raise ValueError("a label is 1 to 64 letters, digits, spaces and . _ @ + -, and begins with a letter or digit")
    if disabled is not None and not isinstance(disabled, bool):
        raise ValueError("disabled is true or false")
    if priority is not None and (isinstance(priority, bool) or not isinstance(priority, int)):
        raise ValueError("priority is a whole number")
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= 1000):
        raise ValueError("weight is a whole number from 0 to 1000")
    if proxy_url is not None and not isinstance(proxy_url, str):
        raise ValueError("proxy-url is a URL, or a reference to one")


def _check_proxy(reference: str) -> None:
    parts = urlsplit(resolve(reference))
    if parts.scheme not in {"http", "https", "socks5", "socks5h"} or not parts.hostname:
        raise ValueError("proxy-url must be an http://, https://, socks5:// or socks5h:// URL, or a reference to one")
