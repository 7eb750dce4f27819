"""How a chat is asked: variants and what they fall back to, ARNs, headers, and what is tried again within one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from switchgear import Account, Failure, Ignored, Kind, Message, Reasoning, Sampling, Text, UpstreamError
from switchgear_kiro.answer import EmptyAnswer
from switchgear_kiro.arns import BUILDER_ID_ARN, SOCIAL_ARN
from switchgear_kiro.course import Course
from switchgear_kiro.fake.people import (
    ORGANISATION_ARN,
    ORGANISATION_URL,
    OTHER_ORGANISATION_ARN,
    OTHER_ORGANISATION_URL,
)
from switchgear_kiro.fake.refusals import BODY_INVALID, TOLD, Refusal
from switchgear_kiro.fake.streams import refusing
from switchgear_kiro.variants import CHAT_VARIANTS, DEFAULT_VARIANTS, ChatVariant
from tests.plugins.kiro_service import PLAIN, THINKING, Line, calls_by, line, reasoning_of, said, text_of

ALL = list(DEFAULT_VARIANTS)


def refused(refusal: Refusal) -> UpstreamError:
    """As it comes from the service."""
    headers = {"x-amzn-errortype": refusal.name}
    body = b'{"message": "%s", "reason": "%s"}' % (refusal.message.encode(), (refusal.reason or "").encode())
    return UpstreamError(Failure("status", refusal.status, headers, body))


UNKNOWN = refused(TOLD["unknown operation"])
INVALID = refused(BODY_INVALID)
SIGNATURE = refused(TOLD["bad signature"])


@pytest.mark.parametrize(
    ("working", "errors", "tried"),
    [
        pytest.param(None, [UNKNOWN], ALL[:2], id="unknown: the next one"),
        pytest.param(None, [UNKNOWN, UNKNOWN, UNKNOWN], ALL, id="unknown everywhere: all, once"),
        pytest.param(None, [INVALID, INVALID], ALL[:3], id="body refused while none has worked"),
        pytest.param("runtime-json", [INVALID], ALL[:1], id="body refused where it worked: it is the body"),
        pytest.param("q-rest", [UNKNOWN], ["q-rest", "runtime-json"], id="the one that worked comes first"),
        pytest.param("codewhisperer", [], ALL[:1], id="one that is no longer wanted is forgotten"),
        pytest.param(None, [refused(TOLD["invalid_request"])], ALL[:1], id="an improper request is no reason"),
        pytest.param(None, [refused(TOLD["not authorized"])], ALL[:1], id="nor is a refusal of the account"),
        pytest.param(None, [SIGNATURE], ["runtime-json"] * 2, id="without the reasoning"),
        pytest.param(None, [SIGNATURE, SIGNATURE], ["runtime-json"] * 2, id="once"),
        pytest.param(None, [refused(TOLD["bad conversation"])], ["runtime-json"] * 2, id="a new conversation"),
        pytest.param(None, [refused(TOLD["conversation full"])] * 2, ["runtime-json"] * 2, id="one new conversation"),
        pytest.param(None, [EmptyAnswer()] * 3, ["runtime-json"] * 3, id="empty: twice more"),
    ],
)
def test_what_is_tried(working: ChatVariant | None, errors: Sequence[UpstreamError], tried: list[str]) -> None:
    course = Course(DEFAULT_VARIANTS, working, "c1")
    went = [course.variant]
    for error in errors:
        if not course.changed_by(error, has_reasoning=True):
            break
        went.append(course.variant)
    assert went == tried


def test_reasoning_that_did_not_go_along_is_not_left_out() -> None:
    assert not Course(DEFAULT_VARIANTS, None, "c1").changed_by(SIGNATURE, has_reasoning=False)


@pytest.mark.parametrize("cause", ["connection", "timeout", "protocol"])
def test_what_is_no_refusal_changes_nothing(cause: Any) -> None:
    error = UpstreamError(Failure(cause, 400, body=INVALID.failure.body))
    assert not Course(DEFAULT_VARIANTS, None, "c1").changed_by(error, has_reasoning=True)


# -- over the fake ---------------------------------------------------------------------------------------------


async def test_the_variant_that_works_is_remembered_for_the_account() -> None:
    async with line() as here:
        here.fake.runtime.offline |= {"runtime-json", "runtime-rest"}
        ada, ben = here.account(name="ada"), here.account(name="ben")
        for account in (ada, ada, ben):
            assert text_of(await here.events(account=account)) == "You said: Hello"
        assert here.variants == ["q-rest"] * 3
        assert here.refused == [(404, None)] * 4  # ada's first call, and ben's


async def test_a_refused_body_is_tried_elsewhere_until_a_variant_has_worked() -> None:
    async with line() as here:
        account = here.account()
        here.fake.runtime.script(refusing(BODY_INVALID))
        assert text_of(await here.events(account=account)) == "You said: Hello"
        here.fake.runtime.script(refusing(BODY_INVALID))
        assert (await here.failed(account=account)).kind is Kind.INVALID_REQUEST
        assert here.variants == ["runtime-json", "runtime-rest", "runtime-rest"]


async def test_the_first_refusal_of_a_body_is_told() -> None:
    async with line() as here:
        here.fake.runtime.script(refusing(BODY_INVALID), "not authorized")
        found = await here.failed()
        assert (found.kind, found.code) == (Kind.INVALID_REQUEST, "REQUEST_BODY_INVALID")


@pytest.mark.parametrize("variant", CHAT_VARIANTS)
async def test_every_variant_is_understood(variant: ChatVariant) -> None:
    async with line(calls=calls_by("social", chat=[variant])) as here:
        here.fake.runtime.offline.clear()
        assert text_of(await here.events()) == "You said: Hello"
        assert here.variants == [variant]


ARNS = [
    ("builder-id", "runtime-json", BUILDER_ID_ARN, "us-east-1"),
    ("builder-id", "q-rest", None, "us-east-1"),
    ("idc", "runtime-json", ORGANISATION_ARN, "us-east-1"),
    ("idc", "q-json", ORGANISATION_ARN, "us-east-1"),
    ("idc in Europe", "runtime-rest", OTHER_ORGANISATION_ARN, "eu-central-1"),
    ("idc in Europe", "q-rest", OTHER_ORGANISATION_ARN, "eu-central-1"),
    ("idc without a profile", "runtime-json", OTHER_ORGANISATION_ARN, "eu-central-1"),
    ("social", "runtime-json", SOCIAL_ARN, "us-east-1"),
    ("social", "q-rest", SOCIAL_ARN, "us-east-1"),
    ("social without an ARN", "runtime-json", SOCIAL_ARN, "us-east-1"),
    ("api-key", "runtime-json", None, "us-east-1"),
    ("api-key", "q-rest", None, "us-east-1"),
]


@pytest.mark.parametrize(("kind", "variant", "arn", "region"), ARNS)
async def test_arn_and_region(kind: str, variant: ChatVariant, arn: str | None, region: str) -> None:
    kinds = ("builder-id", "idc", "social", "api-key")
    async with line(calls={method: {"chat": [variant]} for method in kinds}) as here:
        account = here.account(kind)
        for _ in range(2):
            assert text_of(await here.events(account=account)) == "You said: Hello"
        assert [(call.body.get("profileArn"), call.region, call.variant) for call in here.calls] == [
            (arn, region, variant)
        ] * 2
        asked = [operation for operation, *_ in here.fake.management.asked]
        assert asked.count("ListAvailableProfiles") == (2 if kind == "idc without a profile" else 0)  # in two regions


@pytest.mark.parametrize(
    ("profiles", "words"),
    [
        pytest.param({}, "no Kiro profile", id="none"),
        pytest.param(
            {OTHER_ORGANISATION_ARN: "a", OTHER_ORGANISATION_ARN[:-1] + "Y": "b"}, "sign in again", id="several"
        ),
    ],
)
async def test_a_profile_that_cannot_be_found_out(profiles: dict[str, str], words: str) -> None:
    async with line() as here:
        account = here.account("idc without a profile")
        here.fake.sign_in.people.user("ada", OTHER_ORGANISATION_URL).profiles = profiles
        with pytest.raises(UpstreamError, match=words):
            await here.events(account=account)
        assert (await here.failed(account=account)).kind is Kind.FORBIDDEN
        assert not here.calls


async def test_headers() -> None:
    async with line() as here:
        await here.events(account=here.account("social"))
        await here.events(account=here.account("api-key"))
        social, key = (call.headers for call in here.calls)
        assert social["user-agent"].startswith("switchgear/")
        assert social["x-amzn-codewhisperer-optout"] == "true"
        assert "tokentype" not in social
        assert key["tokentype"] == "API_KEY"
        assert {call.body["agentMode"] for call in here.calls} == {"vibe"}
        assert "x-amzn-kiro-agent-mode" not in social
        origins = [
            call.body["conversationState"]["currentMessage"]["userInputMessage"]["origin"] for call in here.calls
        ]
        assert origins == ["AI_EDITOR", "KIRO_CLI"]


@pytest.mark.parametrize("variant", ["runtime-json", "q-rest"])
async def test_a_companys_token_is_announced_as_such(variant: ChatVariant) -> None:
    async with line(calls=calls_by("external-idp", chat=[variant])) as here:
        account = here.account("idc")
        here.fake.sign_in.people.user("ada", ORGANISATION_URL).kind = "external-idp"
        company = replace(account, details={**account.details, "method": "external-idp"})
        assert text_of(await here.events(account=company)) == "You said: Hello"
        assert [model.id for model in await here.models(company)]
        (call,) = here.calls
        assert (call.headers["tokentype"], call.body["profileArn"]) == ("EXTERNAL_IDP", ORGANISATION_ARN)
        assert (await here.failed(account=account)).kind is Kind.TOKEN_EXPIRED, "without it, it looks like a bad one"


async def test_headers_as_configured() -> None:
    own = {"user_agent": "Own/1.0 Kiro", "opt_out": False, "agent_mode": "spec"}
    async with line(calls=calls_by("social", chat=["runtime-rest"], origin="CLI"), **own) as here:
        await here.events(account=here.account("social"))
        (call,) = here.calls
        assert call.headers["user-agent"] == "Own/1.0 Kiro"
        assert call.headers["x-amzn-codewhisperer-optout"] == "false"
        assert call.headers["x-amzn-kiro-agent-mode"] == "spec"
        assert "agentMode" not in call.body
        assert call.body["conversationState"]["currentMessage"]["userInputMessage"]["origin"] == "CLI"


async def test_the_vendors_staff_are_sent_elsewhere() -> None:
    async with line() as here:
        account = here.account("idc")
        staff = replace(account, details={**account.details, "idp": "Internal"})
        await here.events(account=staff)
        await here.events(account=account)
        assert [call.headers.get("redirect-for-internal") for call in here.calls] == ["true", None]


async def test_an_empty_answer_is_asked_for_again() -> None:
    async with line() as here:
        account = here.account()
        here.fake.runtime.script("empty", "empty")
        assert text_of(await here.events(account=account)) == "You said: Hello"
        assert len(here.calls) == 3
        here.fake.runtime.script("empty", "empty", "empty")
        with pytest.raises(EmptyAnswer):
            await here.events(account=account)
        assert len(here.calls) == 6


def thought(signature: str) -> Any:
    messages = (
        Message("user", (Text("Hello"),)),
        Message("assistant", (Reasoning("Well.", signature), Text("Hi"))),
        Message("user", (Text("And now?"),)),
    )
    return replace(said(), messages=messages)


async def test_reasoning_goes_back_and_a_refused_signature_is_left_out() -> None:
    async with line() as here:
        account = here.account()
        here.fake.runtime.script("reasoning")
        _, signature = reasoning_of(await here.events(account=account))
        for given in (signature, "made up"):
            assert text_of(await here.events(thought(given), account)) == "You said: And now?"
        assert here.refused == [(400, "THINKING_SIGNATURE_INVALID")]
        histories = [call.body["conversationState"].get("history", []) for call in here.calls[1:]]
        kept = ["reasoningContent" in turns[1]["assistantResponseMessage"] for turns in histories]
        assert kept == [True, False]


@pytest.mark.parametrize("name", ["bad conversation", "conversation full"])
async def test_a_conversation_that_is_refused_goes_on_under_another_id(name: str) -> None:
    async with line() as here:
        account = here.account()
        here.fake.runtime.script(name)
        for _ in range(2):
            assert text_of(await here.events(account=account)) == "You said: Hello"
        first, second, third = (call.body["conversationState"]["conversationId"] for call in here.calls)
        assert first != second == third


async def test_a_conversation_keeps_its_id() -> None:
    async with line() as here:
        ada, ben = here.account(name="ada"), here.account(name="ben")
        for account in (ada, ada, ben):
            await here.events(thought(""), account)
        first, second, other = (call.body["conversationState"]["conversationId"] for call in here.calls)
        assert first == second != other


async def test_what_there_is_no_field_for_is_named_before_the_answer() -> None:
    async with line() as here:
        first, *rest = await here.events(said(sampling=Sampling(temperature=0.5)))
        assert first == Ignored(("sampling.temperature",))
        assert not any(isinstance(event, Ignored) for event in rest)


async def test_an_answer_that_began_is_never_asked_for_again() -> None:
    async with line() as here:
        for scenario in ("exception after text: signature", "exception after text: throttling", "half a frame"):
            here.fake.runtime.script(scenario)
            with pytest.raises(UpstreamError):
                await here.events(thought("made up"), account=here.account())
        # each was refused for its signature first, and asked again without it
        assert here.refused == [(400, "THINKING_SIGNATURE_INVALID")] * 3
        assert len(here.calls) == 3


# -- what the name of a model asks for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sent", "extra"),
    [
        pytest.param(PLAIN, PLAIN, None, id="the service's own"),
        pytest.param("claude-sonnet-4-5-20250929", PLAIN, None, id="Anthropic's"),
        pytest.param("kiro-claude-sonnet-4-5-agentic", PLAIN, None, id="another gateway's"),
        pytest.param(
            "claude-sonnet-4-6-thinking-low",
            THINKING,
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
            id="with reasoning",
        ),
    ],
)
async def test_the_model_that_is_sent(name: str, sent: str, extra: Any) -> None:
    async with line() as here:
        account = here.account()
        await here.models(account)
        await here.events(account=account, model=name)
        (call,) = here.calls
        assert call.body["conversationState"]["currentMessage"]["userInputMessage"]["modelId"] == sent
        assert call.body.get("additionalModelRequestFields") == extra


# -- what hides in a rate limit -----------------------------------------------------------------------------------


async def limited(here: Line, account: Account, times: int) -> list[Kind]:
    here.fake.runtime.script(*["rate limited in words"] * times)
    return [(await here.failed(account=account)).kind for _ in range(times)]


async def test_the_third_rate_limit_in_a_row_asks_what_is_left() -> None:
    async with line() as here:
        account = here.account()
        assert await limited(here, account, 3) == [Kind.RATE_LIMITED] * 3
        assert [operation for operation, *_ in here.fake.management.asked] == ["GetUsageLimits"]
        await here.events(account=account)  # an answer starts the count anew
        assert await limited(here, account, 2) == [Kind.RATE_LIMITED] * 2
        assert len(here.fake.management.asked) == 1


async def test_a_spent_quota_that_says_rate_limit() -> None:
    async with line() as here:
        account = here.account()
        pool = {"resourceType": "CREDIT", "currentUsage": 50, "usageLimit": 50}
        here.fake.management.usage = {"nextDateReset": 4_102_444_800.0, "usageBreakdownList": [pool]}
        assert await limited(here, account, 2) == [Kind.RATE_LIMITED] * 2
        here.fake.runtime.script("rate limited in words")
        found = await here.failed(account=account)
        assert (found.kind, found.reset_at) == (Kind.QUOTA_EXHAUSTED, 4_102_444_800.0)


async def test_a_security_hold_that_says_rate_limit() -> None:
    async with line() as here:
        account = here.account()
        here.fake.management.scripts["GetUsageLimits"] = [TOLD["suspended"]]
        assert await limited(here, account, 3) == [Kind.RATE_LIMITED, Kind.RATE_LIMITED, Kind.SUSPENDED]


async def test_a_spent_quota_comes_back_when_the_usage_call_said() -> None:
    async with line() as here:
        account = here.account()
        await here.quota(account)
        here.fake.runtime.script("quota_exhausted", "credits too fast")
        found = await here.failed(account=account)
        assert (found.kind, found.reset_at) == (Kind.QUOTA_EXHAUSTED, 4_102_444_800.0)
        assert (await here.failed(account=account)).retry_after == 300.0
