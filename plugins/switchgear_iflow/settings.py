"""One entry of the ``iflow`` block."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import Field

from switchgear import ProviderSettings, Secret, SettingsModel, Url
from switchgear_iflow.memory import ModelMemory
from switchgear_iflow.models import ALIASES, Alias

CLIENT_ID = "10009311001"
"""The public id of the one OAuth client there is; read 2026-11."""

ModelId = Annotated[str, Field(min_length=1, max_length=256)]


class Endpoints(SettingsModel):
    """Where the service is; the defaults are iFlow's own, read 2026-11.

    Attributes:
        authorize: the page where a person signs in.
        token: trades codes and refresh tokens.
        success: where the browser lands after a sign-in that worked.
        error: where it lands after one that did not.
        code_display: the page that shows the code to a person whose browser is on another machine.
        user_info: gives the API key for an access token.
        platform_keys: shows and issues the API key of a signed-in browser session.
        inference: the URL before ``/chat/completions``.
    """

    authorize: Url = "https://iflow.cn/oauth"
    token: Url = "https://iflow.cn/oauth/token"  # noqa: S105 - an address
    success: Url = "https://iflow.cn/oauth/success"
    error: Url = "https://iflow.cn/oauth/error"
    code_display: Url = "https://iflow.cn/oauth/code-display"
    user_info: Url = "https://iflow.cn/api/oauth/getUserInfo"
    platform_keys: Url = "https://platform.iflow.cn/api/openapi/apikey"
    inference: Url = "https://apis.iflow.cn/v1"


class AliasSettings(SettingsModel):
    """A name for the first of several models that an account may use.

    Attributes:
        candidates: upstream ids, tried in this order; one that was refused to an account is passed over for six hours.
        preferred: of these, asked before the others once they have served the account, the best first.
    """

    candidates: Annotated[tuple[ModelId, ...], Field(min_length=1, strict=False)]
    preferred: tuple[ModelId, ...] = Field(default=(), strict=False)


class Settings(ProviderSettings):
    """One iFlow entry. It is out of service unless the operator says ``disabled: false``: the service was closed.

    Attributes:
        disabled: true unless said otherwise.
        endpoints: the service's addresses.
        client_id: of the OAuth client.
        client_secret: of the OAuth client, which signing in with a browser and refreshing need; ``None`` leaves keys
            and cookies.
        callback_port: where the browser comes back to on this machine; 0 takes a free port.
        api_keys: keys of the platform, an account each, beside those that were signed in.
        ask_for_models: true also asks the service for its model list; it had no dependable one.
        aliases: names for the first of several models that an account may use.
        wire_ids: the id that is sent for a model, where it is another one (the vendor's client sent ``glm-4.6-exp`` for
            ``glm-4.6``).
        thinking_ids: likewise, while the client asks for thinking (``deepseek-v3.2-reasoner`` for
            ``deepseek-v3.2-chat``).
        vision_models: wildcards over the ids that take images; others are refused them before they are asked.
    """

    disabled: bool = True
    endpoints: Endpoints = Endpoints()
    client_id: Annotated[str, Field(min_length=1)] = CLIENT_ID
    client_secret: Secret | None = None
    callback_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    api_keys: tuple[Secret, ...] = Field(default=(), strict=False)
    ask_for_models: bool = False
    aliases: dict[str, AliasSettings] = Field(
        default_factory=lambda: {
            name: AliasSettings(candidates=alias.candidates, preferred=alias.preferred)
            for name, alias in ALIASES.items()
        }
    )
    wire_ids: dict[str, ModelId] = Field(default_factory=dict)
    thinking_ids: dict[str, ModelId] = Field(default_factory=dict)
    vision_models: tuple[str, ...] = Field(default=("qwen-vl-max", "qwen3-vl-plus"), strict=False)

    @cached_property
    def memory(self) -> ModelMemory:
        """What the accounts' calls have shown of models so far."""
        return ModelMemory()

    @cached_property
    def alias_table(self) -> dict[str, Alias]:
        """The aliases by name."""
        return {name: Alias(alias.candidates, alias.preferred) for name, alias in self.aliases.items()}
