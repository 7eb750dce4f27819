"""One entry of the ``roo`` block."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from switchgear import Account, ProviderSettings, Secret, SettingsModel, Url
from switchgear_roo.identity import token_account, unfit_token
from switchgear_roo.models import ModelBook

OWN_AUTH = "https://clerk.roocode.com"
OWN_APP = "https://app.roocode.com"
OWN_PROVIDER = "https://api.roocode.com/proxy"


def _key(value: Secret) -> Secret:
    problem = unfit_token(value.reveal())
    if problem:
        raise ValueError(problem)
    return value


ApiKey = Annotated[Secret, AfterValidator(_key)]


class Endpoints(SettingsModel):
    """The hosts.

    Source: packages/cloud/src/config.ts and src/api/providers/roo.ts of RooCodeInc/Roo-Code, read 2026-11.

    Attributes:
        auth: Clerk's front-end API, which signs in and mints session tokens.
        app: the web app: its sign-in pages, and ``/api``.
        provider: the model proxy, with or without the ``/v1`` at its end.
    """

    auth: Url = OWN_AUTH
    app: Url = OWN_APP
    provider: Url = OWN_PROVIDER

    @property
    def are_own(self) -> bool:
        """Whether the model proxy is the one of the service that ended."""
        return self.provider == OWN_PROVIDER

    @property
    def provider_v1(self) -> str:
        """What the proxy's paths are appended to."""
        return self.provider if self.provider.endswith("/v1") else f"{self.provider}/v1"


class Settings(ProviderSettings):
    """One service.

    Attributes:
        endpoints: its hosts.
        api_keys: static keys (``ROO_API_KEY``, or a cloud job's token): ``env:NAME``, ``file:PATH``, ``keyring:NAME``
            or the key itself. They are asked beside the accounts that signed in, and are never refreshed.
    """

    endpoints: Endpoints = Endpoints()
    api_keys: tuple[ApiKey, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _no_account_twice(self) -> Self:
        ids = [account.id for account in self.key_accounts()]
        if len(set(ids)) < len(ids):
            raise ValueError("two api-keys are of the same account")
        return self

    def key_accounts(self) -> list[Account]:
        """One account a key, in the file's order."""
        return [token_account("static", key) for key in self.api_keys]

    @cached_property
    def book(self) -> ModelBook:
        """What is known of the models; it fills as they are listed."""
        return ModelBook()
