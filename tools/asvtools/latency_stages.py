"""The boundaries that a presented change passes, and what is reckoned of them: hops, light, sound, in all.

All times are microseconds after the cause's stamp. Quantiles are exact: of n sorted values p99 is the value at place
ceil(0.99 n), counted from 1 (nearest rank), so that each figure is one of the ledger's own numbers or a difference of
two of them.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

SYSTEM_DELAY_US: Final = 300_000.0  # [G 3.4(4)]
PERCENTS: Final = (50, 95, 99)

CHAIN: Final = ("parsed", "taken", "decoded", "judged", "decided", "commanded")  # one after the other
OUTPUTS: Final = ("lit", "sounded")  # each on its own after them
KEYS: Final = (*CHAIN, *OUTPUTS, "written")  # of the event: with "_us"
BEGIN: Final = "cause"
STIMULUS: Final = "stimulus"
SEEN: Final = ("light_seen", "sound_seen")  # by a record of pins or a probe
ORDER: Final = (STIMULUS, BEGIN, *CHAIN, *OUTPUTS, *SEEN, "written")
MEANINGS: Final = {
    STIMULUS: "the bench had its last bit on the wire",
    BEGIN: "stamp of the kernel or the driver; of a cycle and of what is due: when it was due",
    "parsed": "the bytes are a record, handed to the loop",
    "taken": "the loop took it up",
    "decoded": "in the core's tables",
    "judged": "the supports are judged",
    "decided": "arbiter and rules of the driver's view are through",
    "commanded": "the presenter is called",
    "lit": "lamps written",
    "sounded": "buzzer written",
    "light_seen": "lamps changed in the record of the pins, or at the probe",
    "sound_seen": "the buzzer changed there",
    "written": "all outputs told, views too",
}

Hop = tuple[str, str]


@dataclass(slots=True)
class Change:
    """One presented change of a ledger. `at`: microseconds by boundary, only those that were passed."""

    unit: int
    session: int
    number: int  # within its unit, from 1
    t: float  # epoch seconds
    stamp_ns: int  # monotonic
    input: str
    cause: int | None
    level: str
    function: str | None
    cue: bool | None
    at: dict[str, float]
    sent_us: float | None = None  # on the bench: the stimulus, usually before the stamp, so negative

    light_us: float | None = None  # the lamps stand as they shall: written, and seen so where somebody looked
    sound_us: float | None = None  # the buzzer does as it shall
    total_us: float | None = None  # from cause, or stimulus, to the later of both

    def settle(self) -> None:
        """Reckons light, sound and all, once every boundary is known. Where the ledger tells neither: all written.

        Of a bench's stimulus what the probe saw counts; else the later of the unit's word and the record.
        """
        at = self.at
        after = _later if self.sent_us is None else _seen
        self.light_us = after(at.get("lit"), at.get("light_seen"))
        self.sound_us = after(at.get("sounded"), at.get("sound_seen"))
        end_us = _later(self.light_us, self.sound_us)
        if "lit" not in at and "sounded" not in at:
            end_us = _later(end_us, at.get("written"))
        self.total_us = None if end_us is None else end_us - (self.sent_us or 0.0)

    @property
    def reached_us(self) -> float:
        """The last boundary before the outputs that was passed: a record of pins is searched from there."""
        return next((self.at[name] for name in reversed(CHAIN) if name in self.at), 0.0)

    def hops(self) -> list[tuple[Hop, float]]:
        """Each boundary that was passed, with the one before it, and the time between them."""
        out: list[tuple[Hop, float]] = []
        last, last_us = BEGIN, 0.0
        if self.sent_us is not None:
            out.append(((STIMULUS, BEGIN), -self.sent_us))
        for name in CHAIN:
            if name in self.at:
                out.append(((last, name), self.at[name] - last_us))
                last, last_us = name, self.at[name]
        for name in (*OUTPUTS, *SEEN):
            if name in self.at:
                out.append(((last, name), self.at[name] - last_us))
        if "written" in self.at:
            for name in OUTPUTS:  # the later of them
                if name in self.at and self.at[name] >= last_us:
                    last, last_us = name, self.at[name]
            out.append(((last, "written"), self.at["written"] - last_us))
        return out

    def pieces(self) -> list[tuple[str, float, float]]:
        """The whole time as a row of pieces (boundary that ends it, from, to), for a bar: they add up to it."""
        total_us = self.total_us
        if total_us is None:
            return []
        begin_us = self.sent_us or 0.0
        marks = [(BEGIN, 0.0)] if self.sent_us is not None else []
        marks += [(name, self.at[name]) for name in CHAIN if name in self.at]
        names = (*OUTPUTS, *SEEN, "written")
        ends = [(name, us) for name in names if (us := self.at.get(name)) is not None and us - begin_us <= total_us]
        marks += sorted(ends, key=lambda mark: mark[1])
        out = []
        for name, us in marks:
            if us > begin_us:
                out.append((name, begin_us, us))
                begin_us = us
        return out


def _later(one_us: float | None, other_us: float | None) -> float | None:
    if one_us is None or other_us is None:
        return other_us if one_us is None else one_us
    return max(one_us, other_us)


def _seen(told_us: float | None, seen_us: float | None) -> float | None:
    return told_us if seen_us is None else seen_us


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """The least of the sorted values that `percent` of them do not exceed; of none an IndexError."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def summary(values: Iterable[float]) -> dict[str, Any]:
    """`n` and, unless that is 0, `p50_us`, `p95_us`, `p99_us`, `max_us`."""
    ordered = sorted(values)
    told: dict[str, Any] = {"n": len(ordered)}
    if ordered:
        told |= {f"p{percent}_us": round(nearest_rank(ordered, percent), 3) for percent in PERCENTS}
        told["max_us"] = round(ordered[-1], 3)
    return told
