"""What an account has left, and who it is: both are read from the usage call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from switchgear import Kind, UpstreamError
from switchgear_kiro.account import Credential
from switchgear_kiro.errors import verdict
from switchgear_kiro.fake.management import USAGE
from switchgear_kiro.fake.people import EMAIL
from switchgear_kiro.fake.refusals import TOLD
from switchgear_kiro.identity import identified
from switchgear_kiro.limits import moment
from switchgear_kiro.quota import is_spent, rows_in
from tests.plugins.kiro_service import Line, line

NOW, LATER = 1_795_000_000.0, 4_102_444_800.0

Row = tuple[str, float | None, float | None, float | None]


def rows(answer: Any) -> list[Row]:
    """Name, limit, used and reset."""
    return [(row.name, row.limit, row.used, row.resets_at) for row in rows_in(answer, NOW)]


def entry(**fields: Any) -> dict[str, Any]:
    """An answer with one entry."""
    return {"nextDateReset": LATER, "usageBreakdownList": [{"currentUsage": 1, "usageLimit": 5, **fields}]}


PLAN: Row = ("plan", 5.0, 1.0, LATER)


def test_the_whole_answer() -> None:
    found = rows_in(USAGE, NOW)
    assert rows(USAGE) == [
        ("plan", 1000.0, 412.37, LATER),
        ("trial", 500.0, 20.5, LATER),
        ("bonus Welcome", 100.0, 0.0, LATER),
    ]
    assert {(row.unit, row.plan, row.source, row.observed_at) for row in found} == {
        ("credits", "KIRO PRO", "reported", NOW)
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param(entry(), [PLAN], id="an entry without a kind is the only one"),
        pytest.param(entry(resourceType="CODE_COMPLETION"), [], id="another kind is none of ours"),
        pytest.param(entry(nextDateReset=LATER + 1), [("plan", 5.0, 1.0, LATER + 1)], id="its own reset counts"),
        pytest.param(entry(currentUsageWithPrecision=1.5), [("plan", 5.0, 1.5, LATER)], id="the precise twin"),
        pytest.param(entry(currentUsageWithPrecision=None), [PLAN], id="no precise twin"),
        pytest.param(entry(usageLimit=None), [("plan", None, 1.0, LATER)], id="no limit told"),
        pytest.param(
            entry(freeTrialInfo={"freeTrialStatus": "EXPIRED", "usageLimit": 9}), [PLAN], id="a trial that ended"
        ),
        pytest.param(
            entry(freeTrialInfo={"freeTrialStatus": "ACTIVE", "freeTrialExpiry": (NOW - 1) * 1000, "usageLimit": 9}),
            [PLAN],
            id="a trial past its end, in milliseconds",
        ),
        pytest.param(
            entry(freeTrialInfo={"freeTrialStatus": "ACTIVE", "currentUsage": 2, "usageLimit": 9}),
            [PLAN, ("trial", 9.0, 2.0, None)],
            id="a trial without an end",
        ),
        pytest.param(
            entry(bonuses=[{"status": "EXHAUSTED", "usageLimit": 9}, 7]), [PLAN], id="a bonus that is used up"
        ),
        pytest.param(
            entry(bonuses=[{"status": "ACTIVE", "bonusCode": "X", "usageLimit": 9, "currentUsage": 0}]),
            [PLAN, ("bonus X", 9.0, 0.0, None)],
            id="a bonus without a name",
        ),
        pytest.param(
            {**entry(currentOverages=3, overageCap=10), "overageConfiguration": {"overageStatus": "ENABLED"}},
            [PLAN, ("overage", 10.0, 3.0, LATER)],
            id="overages that are switched on",
        ),
        pytest.param(
            {**entry(currentOverages=3, overageCap=10), "overageConfiguration": {"overageStatus": "DISABLED"}},
            [PLAN],
            id="overages that are not",
        ),
        pytest.param({"usageBreakdownList": "x", "subscriptionInfo": []}, [], id="not what it should be"),
    ],
)
def test_rows(answer: Any, expected: list[Row]) -> None:
    assert rows(answer) == expected


@pytest.mark.parametrize(
    ("answer", "spent"),
    [
        pytest.param(entry(currentUsage=5), True, id="all is used"),
        pytest.param(entry(), False, id="some is left"),
        pytest.param(
            entry(currentUsage=5, bonuses=[{"status": "ACTIVE", "currentUsage": 0, "usageLimit": 1}]),
            False,
            id="a bonus is left",
        ),
        pytest.param(entry(currentUsage=5, usageLimit=None), False, id="of how much is not told"),
        pytest.param({}, False, id="nothing is told"),
    ],
)
def test_whether_it_is_spent(answer: Any, spent: bool) -> None:
    assert is_spent(answer, NOW) is spent


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_797_000_000, 1_797_000_000.0),
        (1_797_000_000.5, 1_797_000_000.5),
        (1_797_000_000_000, 1_797_000_000.0),
        ("2026-12-11T00:00:00Z", 1_796_947_200.0),
        ("2026-12-11T00:00:00", 1_796_947_200.0),
        ("soon", None),
        (None, None),
        (0, None),
        (float("nan"), None),
        (True, None),
    ],
)
def test_moments(value: object, expected: float | None) -> None:
    assert moment(value) == expected


@pytest.mark.parametrize("kind", ["social", "builder-id", "idc", "api-key"])
@pytest.mark.parametrize("control", ["management", "q", "codewhisperer"])
async def test_every_kind_is_told(kind: str, control: str) -> None:
    calls = {method: {"control": control} for method in ("builder-id", "idc", "social", "api-key")}
    async with line(calls=calls) as here:
        assert [row.name for row in await here.quota(here.account(kind))] == ["plan", "trial", "bonus Welcome"]
        assert [host for _, _, host, _ in here.fake.management.asked] == [control]


async def test_a_client_without_the_product_token_is_refused() -> None:
    async with line(user_agent="somebody/1.0") as here:
        with pytest.raises(UpstreamError):
            await here.quota()


# -- who it is ---------------------------------------------------------------------------------------------------


async def identity(here: Line, kind: str = "social", email: str = "") -> Credential:
    credential = replace(Credential.of(here.account(kind)), email=email)
    return await identified(here.settings, credential, here.client)


@pytest.mark.parametrize("kind", ["social", "builder-id", "idc", "idc without a profile"])
async def test_the_usage_call_tells_who_it_is(kind: str) -> None:
    async with line() as here:
        found = await identity(here, kind)
        user = here.fake.management.asked[-1][1]
        assert (found.user_id, found.email) == (user.user_id, EMAIL)
        assert not found.is_pending


async def test_an_address_that_is_not_told_is_kept() -> None:
    async with line() as here:
        here.fake.management.hides = {"email"}
        found = await identity(here, email="known@example.test")
        assert (found.email, found.is_pending) == ("known@example.test", False)


@pytest.mark.parametrize("why", ["refused", "hidden", "no profile"])
async def test_an_identity_that_is_not_told_is_pending(why: str) -> None:
    async with line() as here:
        if why == "refused":
            here.fake.management.scripts["GetUsageLimits"] = [TOLD["server_error"]]
        here.fake.management.hides = {"userId"} if why == "hidden" else set()
        kind = "social"
        if why == "no profile":
            kind = "idc without a profile"
            here.fake.management.scripts["ListAvailableProfiles"] = [TOLD["server_error"]] * 2
        assert (await identity(here, kind)).is_pending


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ("forbidden", "HTTP 403: User is not authorized to access this feature."),
        ("suspended in older words", r"HTTP 403: Your User ID temporarily is suspended. \(Kiro has suspended"),
    ],
)
async def test_why_a_reading_fails_is_told_in_the_services_words(refusal: str, words: str) -> None:
    async with line() as here:
        here.fake.management.scripts["GetUsageLimits"] = [TOLD[refusal]]
        with pytest.raises(UpstreamError, match=f"GetUsageLimits: {words}"):
            await here.quota(here.account())


@pytest.mark.parametrize("words", ["suspended", "suspended in words", "suspended in older words"])
async def test_a_suspended_account_is_not_signed_in(words: str) -> None:
    async with line() as here:
        here.fake.management.scripts["GetUsageLimits"] = [TOLD[words]]
        with pytest.raises(UpstreamError) as raised:
            await identity(here)
        found = verdict(raised.value.failure)
        assert found is not None
        assert found.kind is Kind.SUSPENDED
