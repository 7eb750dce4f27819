"""Which endpoint answers in which form."""

from __future__ import annotations

from switchgear.testing.answer import Json
from switchgear.testing.form import Form
from switchgear.testing.messages_form import CountForm, MessagesForm
from switchgear.testing.openai_form import ChatForm, EmbeddingsForm, TextForm
from switchgear.testing.openai_personalities import Personality
from switchgear.testing.responses_form import ResponsesForm

COUNT_TOKENS = "/messages/count_tokens"
FORMS: dict[str, type[Form]] = {
    "/chat/completions": ChatForm,
    "/completions": TextForm,
    "/embeddings": EmbeddingsForm,
    "/messages": MessagesForm,
    COUNT_TOKENS: CountForm,
    "/responses": ResponsesForm,
}
"""The form of each endpoint that is asked with POST."""


def form_of(endpoint: str, body: Json, personality: Personality, number: int) -> Form:
    """The form of one request; an endpoint that has none of its own speaks as chat completions do."""
    return FORMS.get(endpoint, ChatForm)(body, personality, number)
