"""What the unit says of each signal of the car: at each change, never silently."""

import pytest

from asvcore import codes
from asvunit.config import Config
from asvunit.events import Translator
from asvunit.identity import Sources
from asvunit.words import word
from coretools import Drive

MAPPED = 1 << codes.SIGNAL_SPEED | 1 << codes.SIGNAL_BRAKE | 1 << codes.SIGNAL_WINKER


def told(drive, signal):
    """(time, state, reason) of what was said of a signal."""
    return [
        (one["t"], word("STATE", one["state"]), one["reason"])
        for one in drive.records
        if one["kind"] == "signal" and one["signal"] == signal
    ]


def driven(until_ms, brake_until_ms, **settings):
    drive = Drive(signals=MAPPED, **settings)
    for t in range(0, until_ms, 100):
        drive.fix(t)
        drive.vehicle(t, codes.SIGNAL_SPEED, 0)
        if t < brake_until_ms:
            drive.vehicle(t, codes.SIGNAL_BRAKE, 5)
        drive.tick(t)
    return drive


def test_each_signal_is_told_at_its_changes():
    drive = driven(3000, 1000)
    assert told(drive, codes.SIGNAL_SPEED) == [(0, "ok", "received")]
    assert told(drive, codes.SIGNAL_BRAKE) == [(0, "ok", "received"), (1500, "stale", "timeout")]


def test_a_mapped_signal_that_never_comes_is_told_after_its_timeout():
    drive = driven(3000, 3000)
    assert told(drive, codes.SIGNAL_WINKER) == [(500, "silent", "no_input")]
    assert told(drive, codes.SIGNAL_SHIFT) == []  # the map does not give it
    late = driven(3000, 3000, timeout_winker_ms=2000)
    assert told(late, codes.SIGNAL_WINKER) == [(2000, "silent", "no_input")]


@pytest.mark.parametrize(
    ("status", "state"), [(codes.STATUS_UNKNOWN, "unknown"), (codes.STATUS_IMPLAUSIBLE, "implausible")]
)
def test_unknown_codes_and_implausible_values(status, state):
    drive = driven(1000, 1000)
    drive.vehicle(1000, codes.SIGNAL_BRAKE, 0, status)
    drive.tick(1000)
    assert told(drive, codes.SIGNAL_BRAKE)[-1] == (1000, state, state)


def test_a_signal_that_flaps_is_not_told_each_time():
    drive = driven(1000, 1000)
    for t in range(1000, 11_000, 100):
        drive.vehicle(t, codes.SIGNAL_SPEED, 0)
        drive.vehicle(t, codes.SIGNAL_BRAKE, 5, codes.STATUS_UNKNOWN if t % 200 else codes.STATUS_OK)
        drive.tick(t)
    assert told(drive, codes.SIGNAL_BRAKE)[1:] == [(1100, "unknown", "unknown")]
    for t in range(11_000, 13_000, 100):
        drive.vehicle(t, codes.SIGNAL_BRAKE, 5)
        drive.tick(t)
    assert told(drive, codes.SIGNAL_BRAKE)[2:] == [(12_000, "ok", "received")]


def test_a_long_timeout_is_kept_whatever_the_ticks():
    drive = Drive(signals=MAPPED, timeout_winker_ms=60_000)
    for t in range(0, 61_000, 10):
        drive.tick(t)
    assert told(drive, codes.SIGNAL_WINKER) == [(60_000, "silent", "no_input")]


def test_the_bus_is_not_ok_while_its_speed_cannot_be():
    drive = Drive()
    for t in range(0, 1000, 100):
        drive.vehicle(t, codes.SIGNAL_SPEED, 0, codes.STATUS_IMPLAUSIBLE)
        drive.vehicle(t, codes.SIGNAL_BRAKE, 5)
        drive.tick(t)
    states = [one["state"] for one in drive.records if one["kind"] == "status" and one["input"] == codes.INPUT_CAN]
    assert states == [codes.STATE_IMPLAUSIBLE]


def test_both_units_say_why_they_are_not_sent():
    drive = Drive()
    drive.tick(0)
    sent = next(one for one in drive.records if one["kind"] == "send")
    assert (sent["reason"], word("REASON", sent["state_reason"])) == ("no_input", "ego_speed_unknown")


def test_the_fault_lamp_tells_of_a_silent_bus_too():
    drive = driven(1000, 1000)
    for t in range(1000, 3000, 100):
        drive.fix(t)
        drive.tick(t)
    faults = [(one["t"], one["fault"]) for one in drive.records if one["kind"] == "system"]
    assert faults == [(0, 0), (1500, 1)]
    without = Drive(uses_can=0)
    without.fix(0)
    without.tick(0)
    assert [one["fault"] for one in without.records if one["kind"] == "system"] == [0]


def test_the_event_says_since_when():
    drive = driven(3000, 1000)
    translator = Translator(Sources(), "en")
    record = [codes.COMMAND_STATUS, 0, 0, 0, codes.INPUT_GNSS, codes.STATE_STALE, codes.REASON_VOID, *[0] * 7]
    first = translator.event(record, 5.0)
    record[6] = codes.REASON_NO_FIX
    second = translator.event(record, 6.0)
    assert first is not None
    assert second is not None
    assert (first["since"], second["since"], second["reason"]) == (5.0, 5.0, "no_fix")
    signal = [codes.COMMAND_SIGNAL, 0, 0, 0, codes.SIGNAL_BRAKE, codes.STATE_STALE, codes.REASON_TIMEOUT, 1, *[0] * 6]
    event = translator.event(signal, 7.0)
    assert event == {
        "t": 7.0, "event": "signal", "signal": "brake", "state": "stale", "reason": "timeout", "bus": 1,
        "since": 7.0, "cause": 0,
    }  # fmt: skip
    assert drive.core.commands.lost == 0


def test_the_map_names_the_signals_that_must_come():
    assert Config().settings([500] * 8, ("speed", "winker")).signals == 1 << 0 | 1 << 2
    assert Config().settings().signals == 0
