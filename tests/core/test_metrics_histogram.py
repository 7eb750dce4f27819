"""The histogram: never far off, never lossy when merged, never upset by a strange number."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear.metrics.histogram import GROWTH, HIGHEST_MS, LOWEST_MS, Histogram

SHARES = (0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0)
durations = st.lists(st.floats(LOWEST_MS, HIGHEST_MS), max_size=200)


def histogram(values: list[float]) -> Histogram:
    made = Histogram()
    for ms in values:
        made.record(ms)
    return made


def nearest_rank(values: list[float], share: float) -> float:
    return sorted(values)[max(math.ceil(share * len(values) - 1e-9), 1) - 1]


@given(durations.filter(bool))
def test_a_percentile_is_at_most_one_bin_off(values: list[float]) -> None:
    for share, ms in zip(SHARES, histogram(values).percentiles(*SHARES), strict=True):
        assert ms is not None
        exact = nearest_rank(values, share)
        assert exact / GROWTH <= ms * (1 + 1e-9)
        assert ms <= exact * GROWTH * (1 + 1e-9)


@given(st.floats(LOWEST_MS, HIGHEST_MS))
def test_a_single_sample_is_at_most_half_a_bin_off_and_every_percentile(ms: float) -> None:
    found = histogram([ms]).percentiles(*SHARES)
    assert len(set(found)) == 1
    assert found[0] == pytest.approx(ms, rel=math.sqrt(GROWTH) - 1 + 1e-9)


@given(durations)
def test_a_greater_share_never_has_a_smaller_percentile(values: list[float]) -> None:
    found = [ms for ms in histogram(values).percentiles(*SHARES) if ms is not None]
    assert found == sorted(found)
    assert all(LOWEST_MS <= ms <= HIGHEST_MS for ms in found)


@given(st.lists(durations, max_size=5))
def test_merging_is_the_same_as_recording_everything_in_one(parts: list[list[float]]) -> None:
    merged = Histogram.merged(histogram(part) for part in parts)
    whole = histogram([ms for part in parts for ms in part])
    assert merged.samples == whole.samples
    assert merged.percentiles(*SHARES) == whole.percentiles(*SHARES)


@given(durations.filter(bool), durations.filter(bool))
def test_a_merged_histogram_is_its_own(first: list[float], second: list[float]) -> None:
    source = histogram(first)
    merged = Histogram.merged([source])
    for ms in second:
        merged.record(ms)
    assert source.percentiles(*SHARES) == histogram(first).percentiles(*SHARES)
    assert merged.percentiles(*SHARES) == histogram(first + second).percentiles(*SHARES)


@given(durations, durations)
def test_a_cleared_histogram_remembers_nothing(before: list[float], after: list[float]) -> None:
    used = histogram(before)
    used.clear()
    for ms in after:
        used.record(ms)
    assert used.samples == len(after)
    assert used.percentiles(*SHARES) == histogram(after).percentiles(*SHARES)


@pytest.mark.parametrize(
    ("ms", "counts_as"),
    [
        pytest.param(0.0, LOWEST_MS, id="zero"),
        pytest.param(0.2, LOWEST_MS, id="under a millisecond"),
        pytest.param(-5.0, LOWEST_MS, id="negative"),
        pytest.param(-math.inf, LOWEST_MS, id="minus infinity"),
        pytest.param(math.nan, LOWEST_MS, id="not a number"),
        pytest.param(math.nextafter(HIGHEST_MS, 0), HIGHEST_MS, id="just under an hour"),
        pytest.param(HIGHEST_MS, HIGHEST_MS, id="an hour"),
        pytest.param(1e12, HIGHEST_MS, id="years"),
        pytest.param(math.inf, HIGHEST_MS, id="infinity"),
    ],
)
def test_what_lies_outside_counts_at_the_edge(ms: float, counts_as: float) -> None:
    strange = histogram([ms])
    assert strange.samples == 1
    assert strange.percentiles(0.5)[0] == pytest.approx(counts_as, rel=GROWTH - 1)


def test_an_empty_histogram_has_no_percentile_and_no_array() -> None:
    empty = Histogram.merged([Histogram(), Histogram()])
    assert empty.percentiles(0.5, 0.95) == [None, None]
    assert empty.samples == 0
    assert not empty.counts


def test_merging_says_no_rather_than_spill_one_count_into_the_next() -> None:
    full, one_more = histogram([10]), histogram([10])
    full.samples = full.counts[full.counts.index(1)] = 2**32 - 1
    assert Histogram.merged([full]).samples == 2**32 - 1
    with pytest.raises(OverflowError, match="4294967295 samples"):
        Histogram.merged([full, one_more])
