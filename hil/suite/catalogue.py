"""The fault catalogue: what goes wrong, how it is made on each target, and what the unit owes then.

docs/faults.md shows these rows as a table, test_faults*.py and test_sessions.py have a test for each; a row without
either is a fault of its own, and so is a test without a row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

DRIVER_S: Final = 1.0  # what matters to the driver is shown so long after it is known, at most
DOCS: Final = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
BEGIN, END = "<!-- catalogue -->", "<!-- end of catalogue -->"


@dataclass(frozen=True, slots=True)
class Fault:
    """One row. `needs`: abilities of a target without which its test is skipped by name.

    `known_s`: how long after its begin the fault is one, by the definitions of the guideline and the interfaces; the
    driver is shown it `DRIVER_S` after that.
    """

    name: str
    what: str
    made: str  # how, on every target; or on each
    known_s: float
    driver: str
    events: str
    recovery: str
    recording: str = "complete"
    needs: tuple[str, ...] = ()

    @property
    def within_s(self) -> float:
        """From its begin until the driver is shown it."""
        return self.known_s + DRIVER_S


_FAULTS: Final = (
    Fault(
        "gnss_silent",
        "the receiver says nothing any more",
        "nothing is written to the line",
        1.5,
        "`fault` lit; a support that runs goes on at its level",
        "`gnss` silent, `timeout`; `own_message` position false",
        "`fault` dark with the next fixes",
    ),
    Fault(
        "gnss_no_fix",
        "the receiver speaks and has no fix",
        "void sentences",
        0.1,
        "`fault` lit; no new support",
        "`gnss` stale, `void`",
        "at the next fix",
    ),
    Fault(
        "gnss_frozen",
        "the receiver repeats one position as fresh ones, while the car drives on",
        "the position of its sentences stands still, their time goes on, at 60 km/h",
        2.4,
        "`fault` lit",
        "`gnss` implausible, `frozen`, once the car's own speed has taken it 30 m on",
        "at the next position that is another",
    ),
    Fault(
        "gnss_repeated",
        "the receiver repeats its last fix, time and all",
        "the time of its sentences stands still",
        1.5,
        "`fault` lit",
        "`gnss` implausible, `time_repeated`",
        "at the next time",
    ),
    Fault(
        "gnss_jumping",
        "the receiver tells places 400 m apart, there and back",
        "the position of its sentences leaps each second",
        0.0,
        "no caution for vehicles that are not met; lamps of the unit as before",
        "none of a support",
        "nothing to recover",
    ),
    Fault(
        "gnss_garbage",
        "noise, broken sentences, wrong checksums",
        "such bytes in place of sentences",
        1.5,
        "`fault` lit",
        "`gnss` silent, `timeout`; `garbage`, `bad_checksum` counted",
        "`fault` dark with the next fixes",
    ),
    Fault(
        "gnss_unplugged",
        "the receiver is pulled out",
        "its device goes: on `local` the pty",
        0.0,
        "`fault` lit",
        "`gnss` disconnected, `unplugged`",
        "found again each 0.5 s",
        needs=("unplug",),
    ),
    Fault(
        "can_silent",
        "the bus falls silent",
        "no frame is sent",
        0.5,
        "`fault` lit; no turn support without a winker",
        "`can` not ok; each signal stale",
        "`fault` dark with the next frames",
    ),
    Fault(
        "can_stale",
        "one of the car's control units falls silent",
        "body frames (winker, shift) alone are missing",
        0.5,
        "a turn support that rests on the winker is not shown as if it were fresh: the page and view name the signal",
        "`signal` winker stale; `can` stays as it is",
        "the signal is ok again a second after it comes",
    ),
    Fault(
        "can_implausible",
        "the car tells what cannot be",
        "a speed of 655 km/h",
        0.0,
        "`fault` lit",
        "`signal` speed implausible, `can` implausible",
        "as above",
    ),
    Fault(
        "can_unplugged",
        "the adapter is pulled out",
        "its device goes",
        0.0,
        "`fault` lit",
        "`can` disconnected, `unplugged`",
        "found again each 0.5 s",
        needs=("unplug",),
    ),
    Fault(
        "can_bus_off",
        "the controller leaves the bus",
        "by the target's way of `bus_off`",
        0.0,
        "`fault` lit",
        "`can` disconnected, `bus_off`",
        "goes on when the controller is back",
        needs=("bus_off",),
    ),
    Fault(
        "radio_gone",
        "no other vehicle is heard any more in the middle of a support",
        "the bench stops sending",
        1.0,
        "`receiving` dark; the support goes on as if the target drove on, then is held, and ends without a cue [D15]",
        "`radio` silent; `support` `target_lost`",
        "`receiving` lit with the next frame",
    ),
    Fault(
        "radio_flooded",
        "3,000 frames a second that no unit sends, beside a vehicle on a collision course",
        "a sender of the bench",
        0.0,
        "the caution comes all the same, in time",
        "`radio` overloaded, `flooded`; `length`, `version` counted",
        "`radio` ok a moment after the flood",
    ),
    Fault(
        "radio_forged",
        "a vehicle plays an ambulance: element 42 with no trailer, and with a trailer of another key",
        "such frames",
        0.0,
        "never shown as an emergency vehicle",
        "`trailer` `bad_signature`; `drop` or support `not_emergency`",
        "nothing to recover",
    ),
    Fault(
        "clock_stepped",
        "the system clock is set while the unit runs",
        "an hour on, and back (local: the clock of the unit's processes alone, by a preloaded library)",
        0.0,
        "nothing: supports, tones and frames go on by the monotonic clock",
        "`clock` implausible, `stepped`; `t` of the events goes on evenly",
        "`clock` ok when it is set back",
        needs=("clock",),
    ),
    Fault(
        "disk_full",
        "the disk that events and sessions are written to is full",
        "a file takes the room",
        0.0,
        "nothing: lamps, tones and frames go on",
        "`unit` overloaded, `events_not_written`",
        "written on when there is room",
        "what was before stays whole, the gap is counted, a new part begins with a checkpoint",
        needs=("disk_full",),
    ),
    Fault(
        "killed",
        "the unit's process is killed (SIGKILL) in the middle of a caution, and started again by its supervisor",
        "SIGKILL; the supervisor is that of the agent, by the rules of hardware/asvkit.service",
        0.0,
        "lamps and tone off by the guard; `system` lit again when the unit is back",
        "a second `start`, with another id",
        "by itself, a second later",
        "the session is cut, whole up to the last 0.1 s, and replays exactly",
        needs=("supervisor",),
    ),
    Fault(
        "killed_at_random",
        "the recording unit is killed at any time, again and again",
        "SIGKILL (`--asvkit-kills N`)",
        0.0,
        "as above",
        "none: it has no time",
        "each start leaves a session of its own",
        "each session is sound, and replays exactly",
    ),
    Fault(
        "power_cut",
        "the power goes while it records",
        "local: what was not synced is taken from the files; emulated Pi: the machine is ended; ssh: by hand",
        0.0,
        "dark",
        "none",
        "at the next start",
        "whole up to the last 1.5 s",
        needs=("power",),
    ),
    Fault(
        "cpu_hogged",
        "other programs take the processor",
        "as many busy processes as there are processors, at the priority of ordinary programs, and one more",
        0.0,
        "the caution comes within the second",
        "`statistics` tells late cycles; missed ones are counted, never sent in a burst",
        "by itself",
        needs=("hog",),
    ),
)
FAULTS: Final[dict[str, Fault]] = {one.name: one for one in _FAULTS}


def faulty(name: str) -> Callable[[Any], Any]:
    """Marks the test of a row: with what its target must be able to do."""
    fault = FAULTS[name]

    def mark(test: Any) -> Any:
        test = pytest.mark.fault(name)(test)
        return pytest.mark.needs("pins", "air", *fault.needs)(test)

    return mark


def markdown(faults: Sequence[Fault] = _FAULTS) -> str:
    """The table of docs/faults.md."""
    lines = [
        "| fault | how it is made | the driver | events | afterwards | recording | shown within |",
        "|" + "---|" * 7,
    ]
    for one in faults:
        shown = f"{one.within_s:g} s"
        cells = (f"**{one.name}**: {one.what}", one.made, one.driver, one.events, one.recovery, one.recording, shown)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
