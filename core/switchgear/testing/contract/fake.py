"""What a plugin's author gives the kit: a fake of the provider, on loopback."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol, runtime_checkable

from switchgear.types import Kind

ADA, BEN = "ada", "ben"
"""The people who sign in. They work for one organisation: where the provider shows an e-mail, it is the same."""

TOLD = (
    Kind.TOKEN_EXPIRED,
    Kind.LOGIN_REQUIRED,
    Kind.SUSPENDED,
    Kind.FORBIDDEN,
    Kind.RATE_LIMITED,
    Kind.QUOTA_EXHAUSTED,
    Kind.MODEL_NOT_FOUND,
    Kind.OVERLOADED,
    Kind.SERVER_ERROR,
    Kind.INVALID_REQUEST,
    Kind.CONTEXT_TOO_LONG,
    Kind.CONTENT_FILTERED,
)
"""Faults that the provider tells: each is named after what ``classify_error`` has to call it."""

BROKEN = ("in_band", "in_band_stream", "cut", "cut_before", "html", "empty", "never_starts", "slow")
"""Faults of a chat call that nobody tells.

``in_band``: a 200 that is an error. ``in_band_stream``: an error event before any output of a 200 stream. ``cut``: some
of the answer, then a reset. ``cut_before``: a reset instead of an answer. ``html``: a 200 with a page. ``empty``: a 200
without a body. ``never_starts``: nothing, until the client goes. ``slow``: the first output, then nothing until then.
"""

REFRESH = ("refresh_omits_token",)
"""Faults of the next refresh: an answer without a refresh token, the old one staying good."""


class ChatServer(Protocol):
    """What the kit looks at of the server that answers chats; a ``LoopbackServer`` is one."""

    @property
    def requests(self) -> Collection[object]:
        """The requests so far; of many, the last ones."""

    @property
    def open_connections(self) -> int:
        """How many connections are open; over HTTP/2, where calls share them, how many streams."""

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Wait until ``condition()`` holds.

        Raises:
            TimeoutError: it did not within ``timeout_s``.
        """


class FakeProvider(Protocol):
    """A fake of one provider: all its services on loopback, strict about what the real ones refuse.

    The parts about signing in are only used where the plugin has login methods: without any, ``refreshes`` is 0 and the
    methods do nothing. What is a property here may be a plain attribute there.
    """

    @property
    def settings(self) -> dict[str, Any]:
        """The provider's entry as in ``config.yaml`` (kebab-case keys), every endpoint of it leading to the fake.

        Where the plugin has login methods it holds no key: the kit signs in.
        """

    @property
    def model(self) -> str:
        """An upstream model that answers plainly, whole and streamed."""

    @property
    def server(self) -> ChatServer:
        """The server that answers chats.

        A ``LoopbackServer``, or what has its ``requests``, ``open_connections`` (over HTTP/2, where calls share
        connections: its open streams) and ``wait_for``.
        """

    @property
    def refreshes(self) -> int:
        """How many token refreshes were asked for so far."""

    def secrets(self) -> set[str]:
        """Every secret it knows or has given out: keys, tokens, codes, client secrets, verifiers it has seen."""

    def fail(self, fault: str) -> bool:
        """Let the next chat call (or refresh) fail so, once; false where this provider has no such failure.

        ``token_expired`` goes on until the token is refreshed. The names are in :data:`TOLD`, :data:`BROKEN` and
        :data:`REFRESH`.
        """

    async def visit(self, url: str, code: str | None, person: str) -> None:
        """Play the person's browser: open the address, sign in as ``person``, enter the code if any, and confirm."""

    def answer(self, question: str, person: str) -> str:
        """What the person types when the dialog asks; empty to leave the question open."""

    def expire(self) -> None:
        """From now on the access tokens given out so far are refused."""

    def revoke(self) -> None:
        """From now on the refresh tokens given out so far are refused."""


# -- what a fake may have beside that ------------------------------------------------------------------------


@runtime_checkable
class FakeRefusal(Protocol):
    """A provider at whose page a person can say no to a sign-in that waits for them, as in a device flow."""

    async def refuse(self, url: str, code: str | None, person: str) -> None:
        """Play the person's browser: open the address, sign in as ``person``, enter the code if any, and refuse."""


@runtime_checkable
class FakeExport(Protocol):
    """A provider whose accounts another program keeps in files, which the plugin imports."""

    def imports(self) -> tuple[str, Mapping[str, Any]]:
        """A file of :data:`ADA`'s: the program that wrote it, as the plugin knows it, and the file's JSON object."""


@runtime_checkable
class FakeToolCall(Protocol):
    """A provider whose model has to be told to call a tool; :class:`FakeOpenAI` does where the question says "tool"."""

    def call_tool(self) -> None:
        """Let the next chat call be answered with a call of the first tool that it offers."""


OPTIONAL = (FakeRefusal, FakeExport, FakeToolCall)
"""Where the fake has none of it, the checks that need it do not apply, or prove less."""
