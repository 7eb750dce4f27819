"""``/v0/explain``: where a request would go now, and why."""

from __future__ import annotations

from switchgear.assembly import Service
from switchgear.config import ClientKey
from switchgear.dialects import CODECS
from switchgear.errors import Refusal
from switchgear.explaining import explain, key_named
from switchgear.http.management.call import Answer, Call


class ExplainHandlers:
    """The decisions of the current configuration, looked at and not made."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def show(self, call: Call) -> Answer:
        """``GET /v0/explain?model=NAME&as=KEYNAME&dialect=DIALECT``."""
        query = call.query("model", "as", "dialect")
        dialect = query.get("dialect", "openai-chat")
        if not query.get("model"):
            raise Refusal(400, "invalid_query", "name the model: ?model=NAME")
        if dialect not in CODECS:
            raise Refusal(400, "invalid_query", f"dialect is one of {', '.join(sorted(CODECS))}")
        key = self._key(query["as"]) if "as" in query else None
        return Answer(explain(self._service.current, query["model"], dialect, key))

    def _key(self, name: str) -> ClientKey:
        try:
            return key_named(self._service.current.config.api_keys, name)
        except LookupError as error:
            raise Refusal(404, "unknown_key", str(error)) from None
