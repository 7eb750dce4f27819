"""Who an account is: only the usage call tells."""

from __future__ import annotations

from dataclasses import replace

from switchgear import Kind, UpstreamClient, UpstreamError
from switchgear_kiro.account import Credential
from switchgear_kiro.arns import lacks_profile, with_profile
from switchgear_kiro.errors import verdict
from switchgear_kiro.limits import object_at, text_at, usage_limits
from switchgear_kiro.profiles import available_profiles
from switchgear_kiro.settings import KiroSettings


async def identified(settings: KiroSettings, credential: Credential, client: UpstreamClient) -> Credential:
    """The credential with the user id and the e-mail address of its owner.

    It comes back as it is, its identity pending, where the call fails or does not tell. A known e-mail address stays
    where none is told: the service leaves it out at times, even when it is asked for. A person with several profiles is
    the same in each, so any of them will do to ask.

    Raises:
        UpstreamError: the account is suspended.
    """
    try:
        asking = credential
        if lacks_profile(credential):
            profiles = await available_profiles(settings, credential, client)
            asking = with_profile(credential, profiles[0].arn) if profiles else credential
        answer = await usage_limits(settings, asking, client)
    except UpstreamError as error:
        found = verdict(error.failure)
        if found is not None and found.kind is Kind.SUSPENDED:
            raise
        return credential
    told = object_at(answer, "userInfo")
    return replace(
        credential,
        user_id=text_at(told, "userId") or credential.user_id,
        email=text_at(told, "email") or credential.email,
    )
