"""The exceptions of Switchgear.

::

    SwitchgearError
    ├── ConfigError        the operator's file is wrong; carries every problem with its line
    ├── PluginError        a plugin broke the contract: named, contained, everyone else served
    ├── UpstreamError      an upstream call failed; carries a Failure for ``classify_error``
    │   └── LoginRequired  the account's credential is spent; only the operator can help
    ├── LoginCancelled     the person gave up the sign-in
    │   └── NobodyAnswers  nobody is there to answer; what needs no answer may go on
    ├── LoginFailed        the sign-in did not work; says why, and what to do next
    ├── AuthFileError      an auth file could not be written; the old one is still there, whole
    └── Refusal            the gateway itself says no to a client; its status and code are its own
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from switchgear.types import Failure


class SwitchgearError(Exception):
    """Whatever Switchgear raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a configuration file.

    ``line`` and ``column`` count from 1; ``None`` means that no place in the file is to blame.
    """

    file: str
    line: int | None
    column: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(SwitchgearError):
    """The operator's file is wrong. Nothing of it was used."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class PluginError(SwitchgearError):
    """A plugin broke the contract.

    Attributes:
        plugin: the plugin's entry-point name.
        hook: the hook that failed; ``None`` while loading.
    """

    def __init__(self, plugin: str, hook: str | None, message: str) -> None:
        self.plugin = plugin
        self.hook = hook
        self.message = message
        where = f"plugin {plugin!r}" if hook is None else f"plugin {plugin!r}, hook {hook}"
        super().__init__(f"{where}: {message}")


class UpstreamError(SwitchgearError):
    """An upstream call failed. A plugin says what happened; core decides what to do about it."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(str(failure))


class LoginRequired(UpstreamError):
    """The account's credential is spent. Raised by ``refresh_token``; the account is out until it changes."""


class LoginCancelled(SwitchgearError):
    """The person gave up the sign-in. Nothing was saved."""


class NobodyAnswers(LoginCancelled):
    """A question cannot be answered: standard input ended. A sign-in that waits for nothing else is over."""


class LoginFailed(SwitchgearError):
    """The sign-in did not work: refused, expired, or answered by somebody else. Nothing was saved.

    The message is for the person at the dialog: what happened, and what to do next.
    """


class AuthFileError(SwitchgearError):
    """An auth file could not be written (a full disk, no permission). The old one is still there, whole."""


class Refusal(SwitchgearError):
    """The gateway's own "no" to a client, before or instead of an upstream call.

    Attributes:
        status: HTTP status of the answer.
        code: the gateway's own code, stable for programs; never an upstream's.
        message: what is wrong and what to do next, for the person who reads it.
        retry_after_s: seconds until a retry can succeed; ``None`` when waiting does not help.
        param: the request field to blame, if one is.
        details: what a dialect says beside these, where it has a place for it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after_s: float | None = None,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s
        self.param = param
        self.details = details
        super().__init__(f"{status} {code}: {message}")
