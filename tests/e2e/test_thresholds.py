"""The runbook's three thresholds, over a whole gateway: real requests, and the bucket in which each alert turns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.observed import Start, starter


@dataclass(frozen=True)
class Drive:
    """A bucket of good requests, then bad ones, a bucket each, of which the last passes the threshold; then one good
    request a bucket.

    ``resolved`` is the bucket in which the alert is: clearly back for the second evaluation after the first.
    """

    rule: str
    status: int
    good: int
    bad: int
    resolved: int


DRIVES = [
    # 38/40 are 95 %, 38/41 are less. With 34 more good ones, in bucket 37, it is 72/75, which are 96 %.
    pytest.param(Drive("provider-success", 500, 38, 3, 39), id="success under 95 % for 10 m"),
    # 1/50 are 2 %, 2/51 are more. 1/30 are too much as well, so both must be out: bucket 2 is in 29 more.
    pytest.param(Drive("provider-auth", 401, 49, 2, 33), id="401 and 403 over 2 % for 5 m"),
    # 2/40 are 5 %, 3/41 are more. 2/30 are too much as well, 1/30 is not: bucket 2 is in 29 more.
    pytest.param(Drive("provider-429", 429, 38, 3, 33), id="429 over 5 % for 5 m"),
]


@pytest.fixture
def observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    return starter(tmp_path, monkeypatch)


@pytest.mark.parametrize("drive", DRIVES)
async def test_it_turns_in_the_right_bucket(observed: Start, drive: Drive) -> None:
    async with observed(alerts={}) as seen:
        await seen.chat(200, drive.good)
        assert seen.pass_time(1) == []
        turned: list[tuple[int, str]] = []
        for bucket in range(1, drive.resolved + 10):
            await seen.chat(drive.status if bucket <= drive.bad else 200)
            turned += [(bucket, state) for rule, state in seen.pass_time(1) if rule == drive.rule]
        assert turned == [(drive.bad, "pending"), (drive.bad + 3, "firing"), (drive.resolved, "resolved")]
