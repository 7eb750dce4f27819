"""Which profile ARN a call names, and which region that leads to. Pure.

Where an ARN belongs is the least settled part of this service (read 2026-11): an account of generation 3 needs one on
every call, one of Builder ID has none of its own and takes the service's; on generation 2 that one is refused.
"""

from __future__ import annotations

import re
from dataclasses import replace

from switchgear_kiro.account import Credential
from switchgear_kiro.endpoints import DEFAULT_REGION, data_region, region_of_arn
from switchgear_kiro.settings import REGION_PATTERN, KiroSettings
from switchgear_kiro.variants import Generation

BUILDER_ID_ARN = "arn:aws:codewhisperer:us-east-1:638616132270:profile/AAAACCCCXXXX"
"""The one ARN of all Builder ID accounts on generation 3, as the vendor's clients have it built in (2026-10)."""
SOCIAL_ARN = "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK"
"""The one ARN of all social accounts; the sign-in and each refresh tell it."""

NEEDS_PROFILE = frozenset({"idc", "external-idp"})
"""Kinds of account whose ARN is their organisation's, and has to be asked for where it is not known."""

_REGION = re.compile(REGION_PATTERN)


def arn_for(credential: Credential, generation: Generation) -> str:
    """The ARN to send; empty to leave the field out, for an empty or an invented one is refused."""
    match credential.method:
        case "api-key":
            return ""
        case "builder-id":
            return BUILDER_ID_ARN if generation == 3 else ""
        case "social":
            return credential.profile_arn or SOCIAL_ARN
        case "idc" | "external-idp":
            return credential.profile_arn


def lacks_profile(credential: Credential) -> bool:
    """Whether a profile has to be found before the account can be used."""
    return credential.method in NEEDS_PROFILE and not credential.profile_arn


def with_profile(credential: Credential, arn: str) -> Credential:
    """The credential with a profile that was found for it."""
    return replace(credential, profile_arn=arn, api_region=region_of_arn(arn) or credential.api_region)


def api_region(settings: KiroSettings, credential: Credential) -> str:
    """The region of the account's data: what its ARN says, else what its sign-in suggests.

    What looks like no region is passed over: it stands in a file, and would go into a host name.
    """
    if credential.method == "api-key":
        return settings.api_key_region
    if credential.method == "builder-id":
        return DEFAULT_REGION
    for region in (region_of_arn(credential.profile_arn), credential.api_region):
        if _REGION.fullmatch(region):
            return region
    return data_region(credential.sso_region) if credential.method in NEEDS_PROFILE else DEFAULT_REGION
