"""Where calls go: hosts by region. Pure."""

from __future__ import annotations

import re

from switchgear_kiro.settings import REGION_PATTERN, KiroSettings
from switchgear_kiro.variants import CHAT_VARIANTS, ChatVariant, ControlVariant

DEFAULT_REGION = "us-east-1"

_REGION = re.compile(REGION_PATTERN)


def checked_region(region: str) -> str:
    """The region, if it may go into a host name.

    Raises:
        ValueError: it looks like no region.
    """
    if len(region) > 32 or not _REGION.fullmatch(region):
        raise ValueError(f"{region[:40]!r} is no AWS region")
    return region


def region_of_arn(arn: str) -> str:
    """The region an ARN names; empty where it names none.

    >>> region_of_arn("arn:aws:codewhisperer:eu-central-1:111122223333:profile/ABCDEFGHIJKL")
    'eu-central-1'
    """
    parts = arn.split(":")
    region = parts[3] if len(parts) > 5 and parts[0] == "arn" else ""
    return region if _REGION.fullmatch(region) else ""


def data_region(region: str) -> str:
    """Where the data of an account is that has no ARN, by the region of its sign-in.

    There is no data plane in most regions (mikeyobrien/pi-provider-kiro, read 2026-11).

    >>> data_region("eu-west-1"), data_region("ap-southeast-2")
    ('eu-central-1', 'us-east-1')
    """
    if region.startswith("us-gov-"):
        return "us-gov-west-1"
    return "eu-central-1" if region.startswith("eu-") else DEFAULT_REGION


def _at(template: str, region: str) -> str:
    return template.replace("{region}", checked_region(region))


def oidc_base(settings: KiroSettings, region: str) -> str:
    """SSO-OIDC in a region."""
    return _at(settings.endpoints.oidc, region)


def auth_base(settings: KiroSettings, region: str = DEFAULT_REGION) -> str:
    """The auth service of social accounts. Nobody has shown one outside us-east-1 (2026-11)."""
    return _at(settings.endpoints.auth, region)


def portal_base(settings: KiroSettings) -> str:
    """The sign-in page."""
    return _at(settings.endpoints.portal, DEFAULT_REGION)


def runtime_base(settings: KiroSettings, region: str) -> str:
    """Chats of generation 3."""
    return _at(settings.endpoints.runtime, region)


def management_base(settings: KiroSettings, region: str) -> str:
    """Models, profiles and quota of generation 3."""
    return _at(settings.endpoints.management, region)


def q_base(settings: KiroSettings, region: str) -> str:
    """Everything of generation 2."""
    return _at(settings.endpoints.q, region)


def codewhisperer_base(settings: KiroSettings) -> str:
    """Everything of generation 1."""
    return _at(settings.endpoints.codewhisperer, DEFAULT_REGION)


def chat_url(settings: KiroSettings, variant: ChatVariant, region: str) -> str:
    """Where a chat is sent."""
    match variant:
        case "runtime-json" | "runtime-rest":
            base = runtime_base(settings, region)
        case "q-rest" | "q-json":
            base = q_base(settings, region)
        case "codewhisperer":
            base = codewhisperer_base(settings)
    return base + CHAT_VARIANTS[variant].path


def control_base(settings: KiroSettings, variant: ControlVariant, region: str) -> str:
    """The host for models, profiles and quota."""
    match variant:
        case "management":
            return management_base(settings, region)
        case "q":
            return q_base(settings, region)
        case "codewhisperer":
            return codewhisperer_base(settings)
