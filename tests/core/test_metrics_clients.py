"""What clients felt: which ends count against us, and for how long."""

from __future__ import annotations

import pytest

from switchgear.metrics.clients import MOST_OUTCOMES, Clients


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("outcome", "status", "counted"),
    [
        pytest.param("ok", 200, (1, 0), id="answered"),
        pytest.param("upstream_error", 502, (0, 1), id="upstream failed"),
        pytest.param("upstream_error", 429, (0, 1), id="upstream refused"),
        pytest.param("upstream_error", 200, (0, 1), id="broken stream"),
        pytest.param("upstream_error", 400, (0, 0), id="upstream found the request wrong"),
        pytest.param("no_account_available", 503, (0, 1), id="nobody to ask"),
        pytest.param("internal_error", 500, (0, 1), id="our defect"),
        pytest.param("invalid_json", 400, (0, 0), id="client's fault"),
        pytest.param("key_rate_limit", 429, (0, 0), id="the key's own limit"),
        pytest.param("client_gone", None, (0, 0), id="hang-up"),
    ],
)
def test_whose_fault(outcome: str, status: int | None, counted: tuple[int, int]) -> None:
    clients = Clients(Clock())
    clients.request("openai-chat", outcome, status)
    window = clients.window(60)
    assert (window["requests"], window["succeeded"], window["failed"]) == (1, *counted)
    assert window["success_ratio"] == {(1, 0): 1.0, (0, 1): 0.0, (0, 0): None}[counted]


def test_a_window_forgets_and_the_totals_do_not() -> None:
    clock = Clock()
    clients = Clients(clock)
    for number in range(200):
        clients.request("openai-chat", "ok", 200)
        clock.seconds += 10
        assert len(clients._recent) <= 90, number
    clock.seconds -= 10
    assert clients.windows({"1m": 60, "10m": 600}) == {
        "1m": {"requests": 6, "succeeded": 6, "failed": 0, "success_ratio": 1.0},
        "10m": {"requests": 60, "succeeded": 60, "failed": 0, "success_ratio": 1.0},
    }
    clock.seconds += 10_000
    assert clients.window(900)["success_ratio"] is None
    assert clients.outcomes["openai-chat", "ok"] == 200


def test_outcomes_are_bounded() -> None:
    clients = Clients(Clock())
    for number in range(MOST_OUTCOMES + 100):
        clients.request("openai-chat", f"made-up-{number}", 500)
    assert len(clients.outcomes) == MOST_OUTCOMES + 1
    assert sum(clients.outcomes.values()) == MOST_OUTCOMES + 100
