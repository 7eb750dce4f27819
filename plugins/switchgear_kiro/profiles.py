"""The profiles an account may use: what an organisation gave its subscription to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from switchgear import Failure, UpstreamClient, UpstreamError
from switchgear_kiro.account import Credential
from switchgear_kiro.arns import NEEDS_PROFILE
from switchgear_kiro.control_plane import pages
from switchgear_kiro.settings import KiroSettings

ARN = re.compile(r"arn:aws[a-z-]*:(codewhisperer|transform):[a-z0-9-]+:\d{12}:profile/[A-Za-z0-9]{12}")
"""What a profile's ARN looks like."""
PAGE_SIZE = 10


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile; ``name`` is the organisation's for it, and may be empty."""

    arn: str
    name: str = ""


async def available_profiles(settings: KiroSettings, credential: Credential, client: UpstreamClient) -> list[Profile]:
    """The profiles of the account, in every region that has data.

    It is empty for an organisation that has assigned no subscription to the person, and for kinds of account that have
    no profile of their own: those are not asked for (Builder ID is refused, 2026-10).

    Raises:
        UpstreamError: no region gave any, and one of them failed.
    """
    if credential.method not in NEEDS_PROFILE:
        return []
    found: dict[str, Profile] = {}
    problem: UpstreamError | None = None
    for region in settings.data_regions:
        try:
            async for page in pages(
                settings, credential, client, "ListAvailableProfiles", {"maxResults": PAGE_SIZE}, region
            ):
                found |= {profile.arn: profile for profile in _profiles(page.get("profiles"))}
        except UpstreamError as error:
            problem = problem or error
    if problem is not None and not found:
        raise problem
    return list(found.values())


async def only_profile(settings: KiroSettings, credential: Credential, client: UpstreamClient) -> str:
    """The ARN of the account's one profile.

    Raises:
        UpstreamError: there is none, or there are several, among which only a person can choose.
    """
    profiles = await available_profiles(settings, credential, client)
    if len(profiles) == 1:
        return profiles[0].arn
    problem = "has no Kiro profile: its organisation has assigned it no subscription"
    if profiles:
        problem = f"has {len(profiles)} Kiro profiles: sign in again to choose one"
    raise UpstreamError(Failure("status", 403, message=f"the account {problem}", body=NO_PROFILE))


NO_PROFILE = b'{"__type": "AccessDeniedException", "reason": "FEATURE_NOT_SUPPORTED"}'


def _profiles(entries: object) -> list[Profile]:
    found: list[Profile] = []
    for entry in entries if isinstance(entries, list) else ():
        arn, name = (entry.get("arn"), entry.get("profileName")) if isinstance(entry, dict) else (None, None)
        if isinstance(arn, str) and ARN.fullmatch(arn):
            found.append(Profile(arn, name if isinstance(name, str) else ""))
    return found
