"""Asking for the models an account can use."""

from __future__ import annotations

from switchgear import Account, Failure, Model, UpstreamClient, UpstreamError
from switchgear_kiro.account import Credential
from switchgear_kiro.arns import lacks_profile, with_profile
from switchgear_kiro.control_plane import control_arn, pages
from switchgear_kiro.memory import Known
from switchgear_kiro.models import Listed, models_in
from switchgear_kiro.profiles import only_profile
from switchgear_kiro.settings import KiroSettings

PAGE_SIZE = 100
"""The most that one page may have."""


async def list_all(settings: KiroSettings, account: Account, client: UpstreamClient) -> list[Model]:
    """Every page of the account's list; what it says of each model is kept for later requests.

    Raises:
        UpstreamError: there is no list, or an empty one, which is taken for none.
    """
    known = settings.memory.of(account.id)
    credential = await profiled(settings, Credential.of(account), client, known)
    fields: dict[str, str | int | bool] = {"origin": settings.origin_of(credential.method), "maxResults": PAGE_SIZE}
    if arn := control_arn(settings, credential):
        fields["profileArn"] = arn
    found: dict[str, Listed] = {}
    async for page in pages(settings, credential, client, "ListAvailableModels", fields):
        try:
            found |= {listed.id: listed for listed in models_in(page)}
        except ValueError as error:
            raise UpstreamError(Failure("protocol", message=f"no list of models: {error}")) from None
    if not found:
        raise UpstreamError(Failure("protocol", message="the list of models is empty"))
    known.take_list(found.values())
    return [listed.model for listed in found.values()]


async def profiled(settings: KiroSettings, credential: Credential, client: UpstreamClient, known: Known) -> Credential:
    """The credential with its profile, which is asked for once where it is missing.

    Raises:
        UpstreamError: the account needs a profile, and which one cannot be found out.
    """
    if not lacks_profile(credential):
        return credential
    if not known.profile_arn:
        known.profile_arn = await only_profile(settings, credential, client)
    return with_profile(credential, known.profile_arn)
