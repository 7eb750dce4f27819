"""What an entry of the ``kiro`` block may say."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from switchgear import ProviderSettings, Secret, SettingsModel, TimeoutSettings, Url
from switchgear_kiro.account import Method
from switchgear_kiro.memory import Memory
from switchgear_kiro.variants import DEFAULT_VARIANTS, ChatVariant, ControlVariant, Origin

REGION_PATTERN = r"^[a-z]{2,3}(-[a-z]{2,10}){1,2}-\d{1,2}$"
"""What an AWS region's name looks like; nothing else may go into a host name."""

LONGEST_SILENCE_S = 330.0
"""While a model writes the input of a tool, a stream was seen to stay silent for up to five minutes (2026-11)."""


def _path(value: str) -> str:
    if value != value.strip() or "\0" in value:
        raise ValueError("must be the path of a file")
    return value


Region = Annotated[str, Field(max_length=32, pattern=REGION_PATTERN)]
FilePath = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_path)]


class Endpoints(SettingsModel):
    """Every host. ``{region}``, where it stands, becomes the region that belongs to the account.

    Attributes:
        oidc: SSO-OIDC: registration, device and browser sign-in, refresh of ``builder-id`` and ``idc``.
        auth: the auth service of social accounts.
        portal: the sign-in page.
        runtime: chats of generation 3.
        management: models, profiles and quota of generation 3.
        q: all of generation 2.
        codewhisperer: all of generation 1, which is in one region only.
    """

    oidc: Url = "https://oidc.{region}.amazonaws.com"
    auth: Url = "https://prod.{region}.auth.desktop.kiro.dev"
    portal: Url = "https://app.kiro.dev"
    runtime: Url = "https://runtime.{region}.kiro.dev"
    management: Url = "https://management.{region}.kiro.dev"
    q: Url = "https://q.{region}.amazonaws.com"
    codewhisperer: Url = "https://codewhisperer.us-east-1.amazonaws.com"


class PatientTimeouts(TimeoutSettings):
    """As everywhere, but for a longer silence inside an answer."""

    idle_seconds: Annotated[float, Field(gt=0, le=86_400)] = LONGEST_SILENCE_S


class Calls(SettingsModel):
    """How accounts of one kind call.

    Attributes:
        chat: the variants of a chat call, the first one first; the next one is tried only where the service says that
            it does not know this one.
        control: which host is asked for models, profiles and quota.
        origin: as which kind of client; it decides what is counted against which quota. Absent: ``KIRO_CLI`` for API
            keys, as the service wants it, and ``AI_EDITOR`` for all others.
    """

    chat: tuple[ChatVariant, ...] = Field(default=DEFAULT_VARIANTS, strict=False, min_length=1)
    control: ControlVariant = "management"
    origin: Origin | None = None


class CallsByMethod(SettingsModel):
    """The same for each kind of account."""

    builder_id: Calls = Calls()
    idc: Calls = Calls()
    social: Calls = Calls()
    external_idp: Calls = Calls()
    api_key: Calls = Calls()

    def of(self, method: Method) -> Calls:
        """How accounts of this kind call."""
        match method:
            case "builder-id":
                return self.builder_id
            case "idc":
                return self.idc
            case "social":
                return self.social
            case "external-idp":
                return self.external_idp
            case "api-key":
                return self.api_key


class KiroSettings(ProviderSettings):
    """One entry.

    Attributes:
        timeouts: see there.
        api_keys: keys (``ksk_``) used beside the accounts that are signed in, in this order and first.
        api_key_region: the data region that ``api-keys`` are used in; a key does not say.
        token_files: credential files of other programs (Kiro IDE's ``kiro-auth-token.json``, the ``data.sqlite3`` of
            kiro-cli or Amazon Q), used where they are; ``~`` is the home directory.
        endpoints: the hosts.
        calls: which of them are called how, by kind of account.
        data_regions: where the service has data, and so profiles; asked in this order.
        agent_mode: what the service's own clients call the session.
        opt_out: whether to ask the service not to use the content for its improvement.
        thinking_tags: ask models that have no field for it to think by tags in the prompt, and take what they think out
            of the text of the answer.
        user_agent: whom the calls name as their client; absent for the gateway's own name, with the product token that
            the service wants to see.
    """

    timeouts: PatientTimeouts = PatientTimeouts()
    api_keys: tuple[Secret, ...] = Field(default=(), strict=False)
    api_key_region: Region = "us-east-1"
    token_files: tuple[FilePath, ...] = Field(default=(), strict=False)
    endpoints: Endpoints = Endpoints()
    calls: CallsByMethod = CallsByMethod()
    data_regions: tuple[Region, ...] = Field(default=("us-east-1", "eu-central-1"), strict=False, min_length=1)
    agent_mode: Literal["vibe", "spec"] = "vibe"
    opt_out: bool = True
    thinking_tags: bool = False
    user_agent: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[\x20-\x7e]+$")] | None = None

    @property
    def account_files(self) -> tuple[Path, ...]:
        """See the base class. A database may change only in the file beside it."""
        names = (f"{name}{suffix}" for name in self.token_files for suffix in ("", "-wal"))
        return tuple(Path(name).expanduser().absolute() for name in names)

    def origin_of(self, method: Method) -> Origin:
        """See :attr:`Calls.origin`."""
        return self.calls.of(method).origin or ("KIRO_CLI" if method == "api-key" else "AI_EDITOR")

    @cached_property
    def memory(self) -> Memory:
        """What the accounts' calls have shown so far."""
        return Memory()
