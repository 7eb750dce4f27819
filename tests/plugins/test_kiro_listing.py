"""Models: their names, the list in every form, and what is kept of it; profiles; where calls go."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from switchgear import UpstreamError
from switchgear_kiro.account import Credential
from switchgear_kiro.arns import api_region
from switchgear_kiro.endpoints import chat_url, checked_region, control_base, oidc_base, region_of_arn
from switchgear_kiro.fake.people import ORGANISATION_ARN, OTHER_ORGANISATION_ARN, OTHER_ORGANISATION_URL
from switchgear_kiro.fake.refusals import TOLD, UNKNOWN_OPERATION
from switchgear_kiro.model_names import aliases_of, read_name
from switchgear_kiro.models import CATALOGUE, FALLBACK, models_in
from switchgear_kiro.profiles import Profile, available_profiles
from switchgear_kiro.settings import KiroSettings
from tests.plugins.kiro_service import PLAIN, THINKING, calls_by, line

# -- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("claude-sonnet-4.5", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("Claude-Sonnet-4.5", "claude-sonnet-4.5"),
        ("claude-4.5-sonnet", "claude-sonnet-4.5"),
        ("claude-4-5-sonnet", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5-latest", "claude-sonnet-4.5"),
        ("claude-sonnet-4.6[1m]", "claude-sonnet-4.6"),
        ("kiro/claude-opus-4.5", "claude-opus-4.5"),
        ("kiro-claude-opus-4-5-agentic", "claude-opus-4.5"),
        ("amazonq-claude-sonnet-4-5-chat", "claude-sonnet-4.5"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-sonnet-4-0", "claude-sonnet-4"),
        ("claude-sonnet-4.0", "claude-sonnet-4"),
        ("claude-4-sonnet", "claude-sonnet-4"),
        ("gpt-5-6-sol", "gpt-5.6-sol"),
        ("minimax-m2-5", "minimax-m2.5"),
        ("deepseek-3-2", "deepseek-3.2"),
        ("glm-5", "glm-5"),
        ("auto", "auto"),
        ("kiro-auto", "auto"),
        ("auto-kiro", "auto"),
        ("CLAUDE_SONNET_4_20250514_V1_0", "CLAUDE_SONNET_4_20250514_V1_0"),
        ("something-new", "something-new"),
    ],
)
def test_names_of_models(name: str, id_: str) -> None:
    named = read_name(name)
    assert (named.id, named.thinking, named.effort) == (id_, False, "")


@pytest.mark.parametrize(
    ("name", "effort"),
    [
        ("claude-opus-4-6-thinking", ""),
        ("claude-opus-4.6-high", "high"),
        ("claude-opus-4-6-thinking-max", "max"),
        ("kiro-claude-opus-4-6-xhigh-agentic", "xhigh"),
    ],
)
def test_names_that_ask_for_reasoning(name: str, effort: str) -> None:
    named = read_name(name)
    assert (named.id, named.thinking, named.effort) == ("claude-opus-4.6", True, effort)


def test_every_alias_leads_back_and_no_two_models_share_one() -> None:
    ids = [listed.id for listed in CATALOGUE]
    aliases = [(alias, id_) for id_ in ids for alias in aliases_of(id_)]
    assert [(alias, id_) for alias, id_ in aliases if read_name(alias).id != id_] == []
    assert len({alias for alias, _ in aliases} | set(ids)) == len(aliases) + len(ids)
    assert all(model.aliases for model in FALLBACK)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="abcmx-.0123456789[]/ADK_", max_size=30))
def test_a_tidy_name_stays_as_it_is(name: str) -> None:
    tidy = read_name(name).id
    assert read_name(tidy).id == tidy


# -- lists -------------------------------------------------------------------------------------------------------


IN_THE_EAST = ("social", "builder-id", "idc", "api-key")
IN_EUROPE = ("idc in Europe", "idc without a profile")
"""Generation 1 is in us-east-1 only."""


@pytest.mark.parametrize(
    ("kind", "control"),
    [
        *itertools.product(IN_THE_EAST, ("management", "q", "codewhisperer")),
        *itertools.product(IN_EUROPE, ("management", "q")),
    ],
)
async def test_all_pages_are_listed(kind: str, control: str) -> None:
    kinds = ("builder-id", "idc", "social", "api-key")
    calls = {method: {"control": control} for method in kinds}
    async with line(calls=calls) as here:
        listed = await here.models(here.account(kind))
        assert [model.id for model in listed] == [model["modelId"] for model in here.fake.management.models]
        asked = [host for operation, _, host, _ in here.fake.management.asked if operation == "ListAvailableModels"]
        assert asked == [control] * 3
        plain = next(model for model in listed if model.id == PLAIN)
        assert (plain.display_name, plain.context_length, plain.max_output_tokens) == (
            "Claude Sonnet 4.5",
            200_000,
            64_000,
        )
        assert "claude-sonnet-4-5" in plain.aliases


async def test_what_the_list_says_is_kept_for_the_account() -> None:
    async with line() as here:
        here.fake.management.models[2]["tokenLimits"] = {"maxInputTokens": 300_000, "maxOutputTokens": None}
        account = here.account()
        known = here.settings.memory.of(account.id)
        assert known.schema(THINKING) is None
        assert known.max_input_tokens(PLAIN) == 200_000  # as far as anybody knows
        await here.models(account)
        assert known.max_input_tokens(PLAIN) == 300_000
        assert known.schema(PLAIN) == {}
        assert set((known.schema(THINKING) or {})["properties"]) == {"thinking", "output_config", "max_tokens"}
        assert here.settings.memory.of("somebody else").listed == {}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param({"models": []}, id="empty"),
        pytest.param({"defaultModel": {}}, id="no list"),
        pytest.param({"models": [{"modelId": ""}, {"modelId": "a\nb"}, {}, 7]}, id="nothing that is a model"),
    ],
)
async def test_what_is_no_list_is_a_failure(page: Any) -> None:
    async with line() as here:
        here.fake.management._operations["ListAvailableModels"] = lambda *_: page
        with pytest.raises(UpstreamError):
            await here.models()


def test_an_older_spelling_and_what_is_missing() -> None:
    page = {"availableModels": [{"modelId": "m", "tokenLimits": None}]}
    (listed,) = models_in(page)
    assert (listed.id, listed.name, listed.max_input_tokens, listed.schema) == ("m", "", None, {})


@pytest.mark.parametrize("refusal", [TOLD["forbidden"], UNKNOWN_OPERATION, TOLD["server_error"]], ids=lambda r: r.name)
async def test_a_refused_list_is_a_failure(refusal: Any) -> None:
    async with line() as here:
        here.fake.management.scripts["ListAvailableModels"] = [refusal]
        with pytest.raises(UpstreamError) as raised:
            await here.models()
        assert raised.value.failure.status == refusal.status


# -- profiles ----------------------------------------------------------------------------------------------------


async def test_profiles_are_looked_for_in_every_region() -> None:
    async with line() as here:
        profiles = {ORGANISATION_ARN: "East", OTHER_ORGANISATION_ARN: "Europe"}
        here.fake.sign_in.people.user("ada", OTHER_ORGANISATION_URL).profiles = profiles
        credential = Credential.of(here.account("idc without a profile"))
        found = await available_profiles(here.settings, credential, here.client)
        assert found == [Profile(ORGANISATION_ARN, "East"), Profile(OTHER_ORGANISATION_ARN, "Europe")]


async def test_a_region_that_fails_hides_no_other() -> None:
    async with line() as here:
        credential = Credential.of(here.account("idc without a profile"))
        here.fake.management.scripts["ListAvailableProfiles"] = [TOLD["server_error"]]
        assert [one.arn for one in await available_profiles(here.settings, credential, here.client)] == [
            OTHER_ORGANISATION_ARN
        ]
        here.fake.management.scripts["ListAvailableProfiles"] = [TOLD["server_error"]] * 2
        with pytest.raises(UpstreamError):
            await available_profiles(here.settings, credential, here.client)


@pytest.mark.parametrize("kind", ["builder-id", "social", "api-key"])
async def test_kinds_without_profiles_are_not_asked(kind: str) -> None:
    async with line() as here:
        assert await available_profiles(here.settings, Credential.of(here.account(kind)), here.client) == []
        assert not here.fake.management.asked


# -- where calls go ------------------------------------------------------------------------------------------------


def test_a_long_silence_is_waited_through_unless_the_entry_says_otherwise() -> None:
    timeouts = KiroSettings().timeouts
    assert (timeouts.idle_seconds, timeouts.connect_seconds) == (330.0, 10.0)
    own = KiroSettings.model_validate({"timeouts": {"connect-seconds": 5.0}}).timeouts
    assert (own.idle_seconds, own.connect_seconds) == (330.0, 5.0)
    assert KiroSettings.model_validate({"timeouts": {"idle-seconds": 60.0}}).timeouts.idle_seconds == 60.0


def test_the_real_hosts() -> None:
    real = KiroSettings()
    assert oidc_base(real, "eu-west-1") == "https://oidc.eu-west-1.amazonaws.com"
    assert chat_url(real, "runtime-json", "eu-central-1") == "https://runtime.eu-central-1.kiro.dev/"
    assert chat_url(real, "q-rest", "us-east-1") == "https://q.us-east-1.amazonaws.com/generateAssistantResponse"
    assert control_base(real, "management", "us-east-1") == "https://management.us-east-1.kiro.dev"
    assert control_base(real, "codewhisperer", "eu-central-1") == "https://codewhisperer.us-east-1.amazonaws.com"


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-gov-west-1", "ap-southeast-2", "mx-central-1"])
def test_regions(region: str) -> None:
    assert checked_region(region) == region
    assert region_of_arn(f"arn:aws:codewhisperer:{region}:111122223333:profile/ABCDEFGHIJKL") == region


@pytest.mark.parametrize(
    "region", ["", "us-east-1.evil.test", "us-east-1/", "evil.test", "US-EAST-1", "a" * 40, "us-1"]
)
def test_what_is_no_region_goes_into_no_host_name(region: str) -> None:
    with pytest.raises(ValueError, match="is no AWS region"):
        checked_region(region)
    assert region_of_arn(f"arn:aws:codewhisperer:{region}:1:profile/x") == ""


@pytest.mark.parametrize(
    ("credential", "region"),
    [
        pytest.param(
            Credential("idc", profile_arn=OTHER_ORGANISATION_ARN, sso_region="us-east-1"), "eu-central-1", id="ARN"
        ),
        pytest.param(Credential("idc", api_region="us-gov-west-1"), "us-gov-west-1", id="said so"),
        pytest.param(Credential("idc", sso_region="eu-west-1"), "eu-central-1", id="nearest: Europe"),
        pytest.param(Credential("idc", sso_region="ap-southeast-2"), "us-east-1", id="nearest: the rest"),
        pytest.param(Credential("idc", sso_region="us-gov-east-1"), "us-gov-west-1", id="nearest: the government's"),
        pytest.param(Credential("idc", api_region="evil.test/"), "us-east-1", id="no region"),
        pytest.param(
            Credential("builder-id", api_region="eu-central-1"), "us-east-1", id="Builder ID is in one region"
        ),
        pytest.param(Credential("social"), "us-east-1", id="social"),
        pytest.param(Credential("api-key"), "eu-central-1", id="a key's is configured"),
    ],
)
def test_the_region_of_an_account(credential: Credential, region: str) -> None:
    settings = KiroSettings.model_validate({"api-key-region": "eu-central-1"})
    assert api_region(settings, credential) == region


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"api-key-region": "evil.test/"}, id="no region"),
        pytest.param({"data-regions": []}, id="nowhere"),
        pytest.param({"calls": {"social": {"chat": []}}}, id="in no way"),
        pytest.param({"calls": {"social": {"chat": ["smoke-signals"]}}}, id="in an unknown way"),
        pytest.param({"calls": calls_by("social", origin="KIRO")}, id="an unknown origin"),
        pytest.param({"user-agent": "a\r\nb"}, id="two header lines"),
        pytest.param({"endpoints": {"q": "ftp://q"}}, id="no URL"),
        pytest.param({"token-files": [""]}, id="no path"),
    ],
)
def test_entries_that_are_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KiroSettings.model_validate(entry)
