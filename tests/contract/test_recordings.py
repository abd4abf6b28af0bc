"""What every recorded input owes: records with forward file order, counters, one-line refusals, any bytes survived."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvrig.gnss_feed import sentence
from asvunit.adapters.can_log import CanLog
from asvunit.adapters.capture import Capture, CaptureWriter
from asvunit.adapters.nmea import NmeaFile
from asvunit.adapters.supports import SupportLog
from asvunit.errors import AsvkitError, UsageError
from asvunit.ports import ExternalSupport, Fix, RadioFrame, Recording

OPENERS = {
    "nmea": (NmeaFile, ".nmea"),
    "can": (CanLog, ".log"),
    "capture": (Capture, ".pcap"),
    "supports": (SupportLog, ".jsonl"),
}


def good(kind: str, path: Path) -> None:
    """A recording of two records at 1,700,000,000 s and a tenth later."""
    if kind == "nmea":
        bodies = [f"GPRMC,221320.{part},A,3500.0,N,13900.0,E,10.0,90.0,141123,,,A" for part in ("00", "10")]
        path.write_bytes(b"".join(map(sentence, bodies)))
    elif kind == "can":
        path.write_text("(1700000000.000000) can0 123#01\n(1700000000.100000) can0 123#02\n")
    elif kind == "supports":
        word = (
            '{"t": 1700000000.%d, "origin": "roadside", "function": "crossing", "level": "caution", "direction": %s}\n'
        )
        path.write_text(word % (0, "null") + word % (1, '"left"'))
    else:
        with CaptureWriter(path) as writer:
            writer.write(1_700_000_000_000_000_000, bytes(100))
            writer.write(1_700_000_000_100_000_000, bytes(7))


def time_ns(record) -> int:
    return record.time_ns if isinstance(record, Fix | RadioFrame | ExternalSupport) else round(record.timestamp * 1e9)


@pytest.mark.parametrize("kind", OPENERS)
def test_records_come_in_order_and_again(tmp_path, kind):
    opener, suffix = OPENERS[kind]
    path = tmp_path / f"good{suffix}"
    good(kind, path)
    recording = opener(path)
    times = [time_ns(record) for record in recording]
    assert times == [1_700_000_000_000_000_000, 1_700_000_000_100_000_000]
    assert [time_ns(record) for record in recording] == times
    assert isinstance(recording, Recording)
    assert isinstance(recording.counters, Counter)
    assert sum(recording.counters.values()) == 0


@pytest.mark.parametrize("kind", OPENERS)
@pytest.mark.parametrize("fault", ["missing", "directory", "empty"])
def test_what_cannot_be_read_is_one_line_with_the_file(tmp_path, kind, fault):
    opener, suffix = OPENERS[kind]
    path = tmp_path / f"bad{suffix}"
    if fault == "directory":
        path.mkdir()
    elif fault == "empty":
        path.touch()
    with pytest.raises(UsageError) as refused:
        list(opener(path))
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", OPENERS)
def test_any_damage_is_survived(tmp_path_factory, kind):
    opener, suffix = OPENERS[kind]
    path = tmp_path_factory.mktemp(kind) / f"damaged{suffix}"
    good(kind, path)
    whole = path.read_bytes()

    @given(st.integers(0, len(whole)), st.integers(0, len(whole)), st.binary(max_size=40))
    def damaged(start: int, end: int, noise: bytes) -> None:
        path.write_bytes(whole[:start] + noise + whole[end:])
        records, refusal = [], str(path)
        try:
            records = list(opener(path))
        except AsvkitError as error:
            refusal = str(error)
        assert str(path) in refusal
        assert all(isinstance(time_ns(record), int) for record in records)

    damaged()
