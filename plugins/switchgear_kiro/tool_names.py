"""Tools' names and calls' ids, fitted to what the service takes: ``[a-zA-Z0-9_-]{1,64}``. Pure.

Source: the service model, read 2026-11. One implementation counts 63 for names, so no more are sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

MAX_NAME_CHARS = 63
MAX_ID_CHARS = 64

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")
_DIGEST_CHARS = 8


class ToolNames:
    """One request's names, each way. The same name is sent alike in tools, earlier calls and choices.

    A name that fits is sent as it is; another becomes its beginning and a digest of the whole, so that it is the same
    in every request of a conversation.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """``names`` are all that the conversation uses, in its order; again is no harm."""
        wanted = dict.fromkeys(names)
        self._sent = {name: name for name in wanted if _fits(name, MAX_NAME_CHARS)}
        taken = set(self._sent)
        for name in wanted:
            if name not in self._sent:
                sent = _shortened(name, MAX_NAME_CHARS, taken, "tool")
                taken.add(sent)
                self._sent[name] = sent

    def sent(self, name: str) -> str:
        """How a name the conversation uses is sent."""
        return self._sent[name]

    def client_names(self) -> Mapping[str, str]:
        """The client's name of each name that is sent in another form."""
        return {sent: name for name, sent in self._sent.items() if sent != name}


class CallIds:
    """One request's calls: each gets an id that no other has, although clients reuse theirs."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._uses: dict[str, int] = {}

    def take(self, call_id: str) -> str:
        """The id to send for the next call, which the client calls ``call_id``."""
        uses = self._uses[call_id] = self._uses.get(call_id, 0) + 1
        name = call_id if uses == 1 else f"{call_id}#{uses}"
        fits = _fits(name, MAX_ID_CHARS) and name not in self._taken
        sent = name if fits else _shortened(name, MAX_ID_CHARS, self._taken, "call")
        self._taken.add(sent)
        return sent


def _fits(name: str, most: int) -> bool:
    return 0 < len(name) <= most and not _FOREIGN.search(name)


def _shortened(name: str, most: int, taken: set[str], instead: str) -> str:
    """The name's beginning and a digest of the whole; another digest while that one is taken."""
    beginning = _FOREIGN.sub("_", name[: most - _DIGEST_CHARS - 1]) or instead
    again = 0
    while True:
        salted = name if not again else f"{name}\0{again}"
        sent = f"{beginning}_{hashlib.sha256(salted.encode()).hexdigest()[:_DIGEST_CHARS]}"
        if sent not in taken:
            return sent
        again += 1
