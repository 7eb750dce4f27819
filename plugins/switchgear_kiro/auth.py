"""Signing an account in: by which method, whose it is, with which profile, and into which file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from switchgear import Account, AuthStore, Login, LoginFailed, Provider, UpstreamClient, UpstreamError
from switchgear_kiro.account import Credential, known_as, twins_of
from switchgear_kiro.api_key import sign_in_with_key
from switchgear_kiro.arns import with_profile
from switchgear_kiro.aws_sign_in import BUILDER_ID, organisation, sign_in_with_aws
from switchgear_kiro.errors import verdict
from switchgear_kiro.identity import identified
from switchgear_kiro.importing import take_over
from switchgear_kiro.portal import sign_in_by_portal
from switchgear_kiro.profiles import available_profiles
from switchgear_kiro.refreshing import refreshed
from switchgear_kiro.registration import Flow
from switchgear_kiro.settings import KiroSettings
from switchgear_kiro.social import sign_in_by_device

METHODS = ("portal", "builder-id", "idc", "idc-code", "social", "api-key", "import")
"""The sign-in methods, the default one first."""
LONGEST_LABEL_CHARS = 100
NO_PROFILE = (
    "your organisation has assigned you no Kiro subscription (no profile was found), so nothing was saved; ask its "
    "administrator, and check that the start URL is the right one"
)


async def sign_in(provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    """See the hook ``authenticate``.

    The account is the one that is stored for the same person, or a new one. Where it turns out only now that several
    stored accounts are the same person, because the service did not tell at first, they become one.
    """
    settings: KiroSettings = provider.settings
    stored = await asyncio.to_thread(store.load)
    credential = await _credential(settings, login, client, stored)
    credential = await _with_profile(settings, login, client, credential)
    if credential.method != "api-key":
        try:
            credential = await identified(settings, credential, client)
        except UpstreamError as error:  # suspended, so there is nothing to try again
            found = verdict(error.failure)
            raise LoginFailed(str(error) if found is None else found.message) from error
        stored = [await _perhaps_identified(settings, credential, one, client) for one in stored]
    credential = known_as(credential, stored)
    if login.label:
        credential = replace(credential, label=login.label.strip()[:LONGEST_LABEL_CHARS])
    account = credential.account()
    await store.save(account)
    for twin in twins_of(account, stored):
        await store.remove(twin)
    return account


async def _credential(
    settings: KiroSettings, login: Login, client: UpstreamClient, stored: Sequence[Account]
) -> Credential:
    match login.method:
        case "builder-id":
            return await sign_in_with_aws(settings, login, client, stored, BUILDER_ID)
        case "idc":
            return await _with_organisation(settings, login, client, stored, "device")
        case "idc-code":
            return await _with_organisation(settings, login, client, stored, "code")
        case "social":
            return await sign_in_by_device(settings, login, client)
        case "api-key":
            return await sign_in_with_key(login)
        case "import":
            return await take_over(login, lambda found: refreshed(settings, found, client))
        case _:
            return await sign_in_by_portal(settings, login, client, stored)


async def _perhaps_identified(
    settings: KiroSettings, credential: Credential, account: Account, client: UpstreamClient
) -> Account:
    """``account`` with its identity, which its token tells, where that is pending and may be that of who signs in."""
    known = Credential.of(account)
    emails = {known.email.casefold(), credential.email.casefold()} - {""}
    may_be = known.is_pending and known.directory == credential.directory and len(emails) < 2
    if not may_be or credential.is_pending:
        return account
    try:
        return (await identified(settings, known, client)).applied_to(account)
    except UpstreamError:  # somebody who is suspended is not who was just let in
        return account


async def _with_organisation(
    settings: KiroSettings, login: Login, client: UpstreamClient, stored: Sequence[Account], flow: Flow
) -> Credential:
    start_url = await login.ask("The start URL of your organisation (such as https://d-1234567890.awsapps.com/start)")
    region = await login.ask("The AWS region of its Identity Center (such as us-east-1)")
    return await sign_in_with_aws(settings, login, client, stored, organisation(start_url, region), flow)


async def _with_profile(
    settings: KiroSettings, login: Login, client: UpstreamClient, credential: Credential
) -> Credential:
    """The credential of an organisation with the profile to use, which decides where its data is.

    Raises:
        LoginFailed: the organisation has none for this person.
        UpstreamError: it cannot be found out; without it the account would be of no use.
    """
    if credential.method != "idc" or credential.profile_arn:
        return credential
    profiles = await available_profiles(settings, credential, client)
    if not profiles:
        raise LoginFailed(NO_PROFILE)
    chosen = 0
    if len(profiles) > 1:
        names = [f"{profile.name} ({profile.arn})" if profile.name else profile.arn for profile in profiles]
        chosen = await login.choose("Which of the organisation's profiles is to be used?", names)
    return with_profile(credential, profiles[chosen].arn)
