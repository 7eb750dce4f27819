"""The conformance kit's faults as the fake upstream plays them: a fake that is built on it starts from these."""

from __future__ import annotations

from collections.abc import Mapping

from switchgear.testing.openai_personalities import ErrorSpec
from switchgear.testing.openai_turn import Behaviour, Turn


def refusing(status: int, message: str, code: str) -> Behaviour:
    """A refusal in OpenAI's envelope, with an error code of the provider's own."""

    async def behave(turn: Turn) -> None:
        await turn.error(ErrorSpec(status, message, code=code))

    return behave


CHAT_FAULTS: Mapping[str, str | Behaviour] = {
    "forbidden": "err-403",
    "rate_limited": "err-429-header",
    "quota_exhausted": "err-quota",
    "model_not_found": "err-404-model",
    "overloaded": "err-503",
    "server_error": "err-500",
    "invalid_request": "err-400",
    "context_too_long": "err-context",
    "content_filtered": "err-filter",
    "in_band": "err-200-body",
    "in_band_stream": "err-instream-first",
    "cut": "cut",
    "cut_before": "cut-before",
    "html": "html-200",
    "empty": "empty-body",
    "never_starts": "never-starts",
    "slow": "idle",
}
"""The kit's name for a fault, and the fake's. What a provider says in its own words is added beside them."""
