"""The fuzz targets work, and find what they are for. A few seeds only; ``docs/development.md`` says how to run more."""

from __future__ import annotations

import pytest

from tests.fuzz import eventstream

SEEDS = range(100)


def test_event_streams_hold() -> None:
    tried = [eventstream.one(seed) for seed in SEEDS]
    assert len(set(tried)) > 75


class Agreeable(int):
    """A checksum that is right whatever it should be."""

    def __ne__(self, other: object) -> bool:
        return False


@pytest.mark.parametrize("checksum", [pytest.param(Agreeable(0), id="never wrong"), pytest.param(0, id="always wrong")])
def test_a_decoder_that_takes_wrong_checksums_is_found(checksum: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear_kiro.eventstream.crc32", lambda data, start=0: checksum)
    with pytest.raises(eventstream.Found):
        all(eventstream.one(seed) for seed in SEEDS)
