"""Each bad plugin is caught by the checks that name its fault, and by no other.

That no other catches it is looked at by ``make test-clients`` alone, for the time it takes.
"""

from __future__ import annotations

import os
from collections.abc import Set

import pytest

from switchgear import Kind
from switchgear.testing.contract.base import LEVELS
from tests.core.bad_plugins import accounts, others, own_events
from tests.core.bad_plugins.good import Acme, GoodContract

EVERY_CHECK = os.environ.get("SWITCHGEAR_CLIENTS") == "1"
REFRESH_WORKS = {
    "test_one_refresh_serves_all",
    "test_a_new_token_is_saved_before_it_is_used",
    "test_a_refreshed_account_survives_a_restart",
    "test_an_omitted_refresh_token_is_kept",
    "test_a_refresh_that_fails_for_now_costs_nothing",
    "test_a_spent_token_takes_its_account_out",
}

BAD: list[tuple[set[int], dict[Acme, set[str]]]] = [
    (  # what they declare is wrong, and nothing else
        {1, 2, 3},
        {
            others.SaysADialectTwice(): {"test_what_it_says_of_itself_is_so"},
            others.TakesAnyKey(): {"test_its_settings_are_strict"},
            others.HasAHostOfItsOwn(): {"test_every_host_is_a_setting"},
            others.NamesAModelTwice(): {"test_an_alias_is_another_name_of_one_model"},
            others.TellsNoPoolsApart(): {"test_quotas_can_be_told_apart"},
            others.GivesMilliseconds(): {"test_quotas_can_be_told_apart"},
            others.FailsToCount(): {"test_counts_tokens_beforehand"},
            others.CountsNothing(): {"test_counts_tokens_beforehand"},
        },
    ),
    (  # what they do beside serving is wrong
        {1, 2, 5, 6},
        {
            others.CallsAHardCodedHost(): {"test_every_host_is_a_setting", "test_quotas_can_be_told_apart"},
            others.LogsTheToken(): {"test_logs_hold_no_secret"},
            others.PrintsTheToken(): {"test_logs_hold_no_secret"},
            others.QuotesTheToken(): {"test_answers_hold_no_secret", "test_logs_hold_no_secret"},
            others.ShowsTheTokenInTheFile(): {"test_auth_files_show_no_secret", "test_nothing_prints_a_secret"},
            others.SendsTheTokenInTheUrl(): {"test_urls_hold_no_secret"},
            others.HasItsOwnClient(): {"test_everything_goes_through_cores_client"},
            others.FetchesInAThread(): {"test_everything_goes_through_cores_client"},
            others.HoldsTheLoop(): {"test_no_hook_holds_the_event_loop"},
            others.LeavesATask(): {"test_nothing_is_left_running"},
        },
    ),
    (  # their accounts are wrong, or their lists
        {1, 4, 5, 6},
        {
            others.ListsNothingOnFailure(): {"test_a_failed_list_is_not_an_empty_one"},
            accounts.KnowsOneAccount(): {
                "test_two_people_have_two_accounts",
                "test_a_spent_token_takes_its_account_out",
            },
            accounts.GoesByTheEmail(): {
                "test_two_people_have_two_accounts",
                "test_a_spent_token_takes_its_account_out",
            },
            accounts.GoesByTheToken(): {
                "test_the_same_person_updates_one_account",
                "test_an_imported_account_is_the_one_that_signs_in",
            },
            accounts.SavesTooEarly(): {"test_giving_up_saves_nothing", "test_a_person_who_says_no_has_no_account"},
            accounts.SavesWhoWasRefused(): {
                "test_a_refused_callback_saves_nothing",
                "test_a_person_who_says_no_has_no_account",
            },
            accounts.KeepsWhoSaidNo(): {"test_a_person_who_says_no_has_no_account"},
            accounts.ImportsASecondAccount(): {"test_an_imported_account_is_the_one_that_signs_in"},
            accounts.ImportsByTheHour(): {
                "test_importing_again_changes_nothing",
                "test_an_imported_account_is_the_one_that_signs_in",
            },
            accounts.NeverSavesARefresh(): {
                "test_a_new_token_is_saved_before_it_is_used",
                "test_a_refreshed_account_survives_a_restart",
            },
            # what it saves late is taken for another process's, and newer than what is in use
            accounts.SavesARefreshLater(): {
                "test_a_new_token_is_saved_before_it_is_used",
                "test_a_refreshed_account_survives_a_restart",
                "test_an_omitted_refresh_token_is_kept",
            },
            accounts.DropsTheRefreshToken(): {"test_an_omitted_refresh_token_is_kept"},
            accounts.RefreshesForEver(): {"test_a_fresh_token_is_not_refreshed_again"},
            accounts.GivesUpTooSoon(): {"test_a_refresh_that_fails_for_now_costs_nothing"},
            accounts.NeverGivesUp(): {"test_a_spent_token_takes_its_account_out"},
            others.Misnames(Kind.TOKEN_EXPIRED, Kind.FORBIDDEN): {"test_calls_it_token_expired", *REFRESH_WORKS},
        },
    ),
    (  # their streams are wrong
        {1, 2, 3, 5, 6},
        {
            own_events.LosesUsage(): {"test_counts_tokens"},
            own_events.SaysWhatItWouldCall(): {"test_a_tool_call_reaches_the_client"},
            own_events.LosesToolNames(): {"test_a_tool_call_reaches_the_client"},
            own_events.LosesToolResults(): {"test_a_tools_result_reaches_the_upstream"},
            own_events.InventsAFinish(): {"test_a_cut_stream_ends_with_an_error", "test_half_an_answer_is_a_failure"},
            own_events.AsksAgain(): {
                "test_a_cut_stream_ends_with_an_error",
                "test_nothing_is_asked_again_after_output",
                "test_half_an_answer_is_a_failure",
            },
            own_events.SwallowsCancellation(): {"test_a_client_that_leaves_frees_the_upstream"},
            own_events.SwallowsEarlyCancellation(): {"test_a_client_that_leaves_early_frees_the_upstream"},
            own_events.TakesAnErrorForAnAnswer(): {
                "test_an_error_inside_a_200_is_a_failure",
                "test_an_error_before_output_is_a_failure",
            },
            own_events.TakesAPageForAnAnswer(): {"test_a_page_is_no_answer"},
        },
    ),
    (  # what they call a failure is wrong
        {2, 3, 5, 6},
        {
            others.Misnames(Kind.LOGIN_REQUIRED, Kind.TOKEN_EXPIRED): {"test_calls_it_login_required"},
            others.Misnames(Kind.SUSPENDED, Kind.FORBIDDEN): {
                "test_calls_it_suspended",
                "test_a_blocked_account_is_not_passed_over",
            },
            others.Misnames(Kind.RATE_LIMITED, Kind.QUOTA_EXHAUSTED): {"test_calls_it_rate_limited"},
            others.Misnames(Kind.INVALID_REQUEST, Kind.SERVER_ERROR): {
                "test_calls_it_invalid_request",
                "test_the_clients_mistake_is_returned_once",
            },
            others.LosesTheHint(): {"test_a_hint_when_to_come_back_is_kept"},
        },
    ),
]
"""Bad plugins, and the checks that catch them: of the levels at which they differ from the good one; those are run."""


def words(plugin: object) -> str:
    name = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(plugin).__name__).strip()
    return f"{name} {plugin.kind} {plugin.instead}" if isinstance(plugin, others.Misnames) else name


def failed(plugin: Acme, levels: set[int], caught_by: Set[str] = frozenset()) -> dict[str, str]:
    contract = type("Contract", (GoodContract,), {"module": plugin})()
    wanted = [
        check
        for check in contract.checks()
        if check.level in levels and (EVERY_CHECK or not caught_by or check.name in caught_by)
    ]
    results = [contract.result_of(check) for check in wanted]
    return {result.check.name: result.reason for result in results if result.outcome == "failed"}


@pytest.mark.parametrize(
    ("plugin", "levels", "caught_by"),
    [pytest.param(plugin, levels, names, id=words(plugin)) for levels, bad in BAD for plugin, names in bad.items()],
)
def test_a_bad_plugin_is_caught(plugin: Acme, levels: set[int], caught_by: set[str]) -> None:
    problems = failed(plugin, levels, caught_by)
    assert problems.keys() == caught_by, problems


def test_the_events_of_a_good_plugin_pass() -> None:
    assert failed(own_events.AcmeOfEvents(), set(LEVELS)) == {}
