"""What an entry of the ``minimax`` block may say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from switchgear import Dialect, ProviderSettings, Secret, SettingsModel, Url

Region = Literal["global", "cn"]
ChatDialect = Literal["anthropic-messages", "openai-chat", "openai-responses"]
DIALECTS: tuple[ChatDialect, ...] = ("anthropic-messages", "openai-chat", "openai-responses")
"""The best first: Messages carries the reasoning from turn to turn, and is what every signed-in client uses."""


class GlobalEndpoints(SettingsModel):
    """The hosts of the region ``global``."""

    api: Url = "https://api.minimax.io"
    account: Url = "https://account.minimax.io"


class CnEndpoints(SettingsModel):
    """The hosts of the region ``cn``. ``api.minimaxi.com`` is the older name of its API, and still served (2026-10)."""

    api: Url = "https://api.minimax.cn"
    account: Url = "https://account.minimaxi.com"


class Endpoints(SettingsModel):
    """Every host: ``api`` for models, chat and quota, ``account`` for sign-in and refresh."""

    global_: GlobalEndpoints = GlobalEndpoints()
    cn: CnEndpoints = CnEndpoints()

    def of(self, region: Region) -> GlobalEndpoints | CnEndpoints:
        """The hosts of one region."""
        return self.cn if region == "cn" else self.global_


class OAuthClient(SettingsModel):
    """Whom a sign-in is made as. The three belong together, so they are given together or not at all.

    Attributes:
        client_id: a public id; there is no client secret.
        scope: what is asked for.
        grant_type: of the poll.
    """

    client_id: str = Field(min_length=1)
    scope: str = Field(min_length=1)
    grant_type: str = Field(min_length=1)


SUBSCRIPTION_CLIENT = OAuthClient.model_validate(
    {
        "client-id": "659cf4c1-615c-45f6-a5f6-4bf15eb476e5",
        "scope": "openid profile coding_plan",
        "grant-type": "urn:ietf:params:oauth:grant-type:device_code",
    }
)
"""The client of the subscription's command-line sign-in, as CLIProxyAPI v8 and others use it (read 2026-10)."""


class Settings(ProviderSettings):
    """One entry.

    Attributes:
        api_keys: keys (``sk-cp-`` or ``sk-api-``) used beside the accounts that are signed in, in this order and first.
        region: where ``api-keys`` belong.
        dialects: what requests are sent in, the best first; absent: all three where the entry has ``api-keys``, else
            Messages alone, since nobody has shown that every plan takes a sign-in's token on the others.
        endpoints: the hosts, by region.
        oauth_client: whom a sign-in is made as.
        least_poll_seconds: the shortest pause between two questions whether a sign-in was confirmed; a longer one that
            the server asks for is kept.
    """

    api_keys: tuple[Secret, ...] = Field(default=(), strict=False)
    region: Region = "global"
    dialects: tuple[ChatDialect, ...] | None = Field(default=None, strict=False, min_length=1)
    endpoints: Endpoints = Endpoints()
    oauth_client: OAuthClient = SUBSCRIPTION_CLIENT
    least_poll_seconds: float = Field(default=2.0, gt=0, le=60)

    @property
    def native_dialects(self) -> tuple[Dialect, ...]:
        """See the base class."""
        if self.dialects is not None:
            return self.dialects
        return DIALECTS if self.api_keys else DIALECTS[:1]
