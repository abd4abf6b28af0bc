"""The live unit: what came in and what is due, in the order of their times, into the core and out to the driver.

It never waits: `turn()` does all that has to be done by now, `deadline_ns()` says when it must be called again at
the latest. `asvunit.runtime` does the waiting; tests turn it by hand with a clock of their own. Lamps and buzzer
come first: they are written before anything is told to anyone.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from asvcore.params import TRANSMISSION_INTERVAL_MS
from asvunit.clock import UnitClock
from asvunit.event_limit import EventLimit
from asvunit.events import Event
from asvunit.input_states import InputStates
from asvunit.live_checks import LiveChecks
from asvunit.loads import Loads
from asvunit.parts import Parts, Times
from asvunit.ports import ExternalSupport, Fix, Link, RadioFrame, VehicleSignal
from asvunit.quantiles import Quantiles
from asvunit.sender import LEAD_NS
from asvunit.trailer import has_trailer
from asvunit.trusted_time import GnssTime
from asvunit.unit import Unit
from asvunit.verifier import LATE_NS

CYCLE_NS: Final = TRANSMISSION_INTERVAL_MS * 1_000_000
FRAMES_A_TURN: Final = 64  # of the radio before the clock is looked at again
CHECK_NS: Final = 1_000_000_000  # how often drops, faults and the system clock are looked at
STATISTICS_NS: Final = 10_000_000_000

Record = Fix | VehicleSignal | ExternalSupport | RadioFrame
_KINDS: Final = {Fix: "fix", VehicleSignal: "signal", ExternalSupport: "support", RadioFrame: "frame"}


class LiveUnit:
    """Drives a `Unit` with live parts. Event times are the monotonic clock's and one offset, fixed at the start."""

    def __init__(self, make: Callable[..., Unit], parts: Parts, times: Times) -> None:
        """`make(clock, sink=..., send=...)` makes the unit."""
        self.frames = Quantiles()  # from the kernel's stamp to judged and shown
        self.cycles = Quantiles()  # from when a cycle was due to its begin
        self.presented = Quantiles()  # from the cause's stamp to the pin written, of each change the driver sees
        self._parts = parts
        self._now, self._unix = times.monotonic_ns, times.unix_ns
        self._gnss_time = GnssTime(lambda time_ns: (self._unix() - self._now() + time_ns) // 1_000_000)
        now_ns = self._now()
        self._offset_ns = self._unix() - now_ns
        self._clock = UnitClock(now_ns, self._offset_ns)
        self.states = InputStates(parts.publish)
        self._checks = LiveChecks(self.states, parts.inputs, parts.presenter)
        self._system = self._system_told = (False, False, False)
        self._lit: tuple[frozenset[str], int] = (frozenset(), 0)  # lamps and tone as they were told
        self._silenced = False
        self._cause = ("start", now_ns, now_ns)  # kind, its stamp, when it was taken up
        self._last_ns = self._next_cycle_ns = now_ns
        self._next_check_ns = now_ns + CHECK_NS
        self._next_statistics_ns = now_ns + STATISTICS_NS
        self._limit = EventLimit()
        self._loads = Loads(parts.inputs, parts.radio, parts.inbox, parts.events_fault)
        self.unit = make(self._clock, sink=self._told, send=self._send)

    def begin(self) -> None:
        """The grid of the cycles begins now: what the start took is no lateness."""
        now_ns = self._now()
        self._last_ns = self._next_cycle_ns = now_ns
        self._next_check_ns, self._next_statistics_ns = now_ns + CHECK_NS, now_ns + STATISTICS_NS

    def epoch_s(self, time_ns: int) -> float:
        """Epoch seconds of a time of the monotonic clock."""
        return self._clock.epoch_s(time_ns)

    def deadline_ns(self) -> int:
        """When `turn` must be called at the latest."""
        deadline_ns = min(self._next_cycle_ns, self._next_check_ns)
        for due_ns in (self.unit.due_ns(), self._parts.presenter.due_ns()):
            if due_ns is not None:
                deadline_ns = min(deadline_ns, due_ns)
        return deadline_ns

    def turn(self) -> bool:
        """Do what came and what is due; True if more frames wait."""
        parts = self._parts
        links, records = parts.inbox.take()
        for link in links:
            self.states.link(link, self.epoch_s(link.time_ns))
        frames = parts.radio.receive(FRAMES_A_TURN) if parts.radio else []
        merged: list[Record] = sorted([*records, *frames], key=lambda one: one.time_ns) if records else [*frames]
        for record in merged:
            self._tick_until(record.time_ns)
            self._take(record)
        now_ns = self._now()
        self._tick_until(now_ns)
        if links:
            self._show_system(now_ns)
            self._note()
        if now_ns >= self._next_check_ns:
            self._check(now_ns)
        return len(frames) == FRAMES_A_TURN

    def dark(self) -> None:
        """Lamps off and silent, and told so."""
        now_ns = self._now()
        self._parts.presenter.dark(now_ns)
        self._outputs(now_ns)

    def statistics(self) -> Event:
        """How long things took, and what was dropped, since the start."""
        parts = self._parts
        counters = self._loads.counters() | parts.presenter.counters() | {"trailer": self.unit.trailers}
        event: dict[str, Any] = {
            "t": self.epoch_s(self._now()),
            "event": "statistics",
            "frame_to_judged": self.frames.summary(),
            "cause_to_pin": self.presented.summary(),
            "cycle_late": self.cycles.summary(),
            "cycles_missed": int(self.unit.core.missed_slots),
            "inbox_lost": parts.inbox.lost,
            "counters": {name: dict(counts) for name, counts in counters.items() if counts},
        }
        if parts.sender:
            event["send_late"] = parts.sender.late.summary()
            event["sender"] = dict(parts.sender.counters)
        return event

    # Inside

    def _take(self, record: Record) -> None:
        stamp_ns = record.time_ns
        if isinstance(record, RadioFrame) and has_trailer(record.payload):
            verified = self._verified(record)
            if verified is None:
                return
            record = verified
        self._cause = (_KINDS[type(record)], stamp_ns, self._now())
        time_ns = self._last_ns = max(stamp_ns, self._last_ns)  # the ways in hand over a little out of order
        record = record if stamp_ns == time_ns else replace(record, time_ns=time_ns)
        if isinstance(record, RadioFrame):
            self.unit.radio(record)
            self.frames.add_ns(self._now() - stamp_ns)
        elif isinstance(record, VehicleSignal):
            self.unit.vehicle(record)
        elif isinstance(record, ExternalSupport):
            self.unit.external(record)
        else:
            self._gnss_time.fix(record)
            self.unit.fix(record)

    def _verified(self, frame: RadioFrame) -> RadioFrame | None:
        """A frame with a trailer as the core may have it now; None: it comes back from the verifier, or is too old."""
        parts = self._parts
        if frame.verdict:
            if parts.radio and self._now() - frame.time_ns > LATE_NS:  # the process was stopped: it tells of the past
                parts.radio.counters["stale"] += 1
                return None
            return frame
        if parts.verifier is None:
            return frame
        if parts.verifier.submit(frame, self._gnss_time.now_ms(frame.time_ns)):
            return None
        return replace(frame, verdict="overflow")

    def _tick_until(self, time_ns: int) -> None:
        """The cycles, the ticks in between and the patterns that are due by a time, at their own times."""
        while True:
            due_ns = self.unit.due_ns()
            if due_ns is not None and due_ns < self._next_cycle_ns and due_ns <= time_ns:
                self._tick("due", due_ns)
            elif self._next_cycle_ns <= time_ns:
                self._cycle()
            else:
                break
        due_ns = self._parts.presenter.due_ns()
        if due_ns is not None and due_ns <= time_ns:
            self._parts.presenter.tick(time_ns)
            self._outputs(time_ns)

    def _cycle(self) -> None:
        late_ns = self._now() - self._next_cycle_ns
        self.cycles.add_ns(late_ns)
        # Never a burst: what was missed is left out, and counted by the core
        due_ns = self._next_cycle_ns + late_ns // CYCLE_NS * CYCLE_NS
        self._next_cycle_ns = due_ns + CYCLE_NS
        self._tick("cycle", due_ns)

    def _tick(self, kind: str, due_ns: int) -> None:
        self._last_ns = max(due_ns, self._last_ns)
        self._cause = (kind, due_ns, self._now())
        self.unit.tick(self._last_ns)

    def _send(self, time_ns: int, frame: bytes) -> None:
        if self._parts.sender:
            self._parts.sender.submit(time_ns + LEAD_NS, frame)

    def _told(self, event: Event) -> None:
        """The core's events: to the driver first, then to whoever listens."""
        kind = event["event"]
        if kind == "hmi":
            decided_ns = self._now()
            self._parts.presenter.hmi(event, decided_ns)
            written_ns = self._now()
            self._parts.publish(event)
            if self._parts.presenter.down:
                self._check_outputs(self.epoch_s(written_ns))
            else:
                self._outputs(written_ns)
                self._ledger(event, decided_ns, written_ns)
        elif kind == "status":
            self.states.core(event)
            self._note()
        elif kind == "signal":
            self.states.signal(event)
            self._parts.publish(event)
            self._note()
        elif kind == "own_message":
            self.states.own_message(event)
            self._parts.publish(event)
            self._note()
        elif kind == "system":
            self._system = (event["on"], event["receiving"], event["fault"])
            self._show_system(self._now())
        elif self._limit.admits(event):
            self._parts.publish(event)

    def _show_system(self, now_ns: int) -> None:
        on, receiving, fault = self._system
        fault = on and (fault or bool(self.states.disconnected))
        self._parts.presenter.system(on, receiving, fault, now_ns)
        if self._system_told != (on, receiving, fault):
            self._system_told = (on, receiving, fault)
            told = {"event": "system", "on": on, "receiving": receiving, "fault": fault}
            self._parts.publish({"t": self.epoch_s(now_ns), **told})
        self._outputs(now_ns)

    def _note(self) -> None:
        self._parts.presenter.notes(self.states.notes(), self._now())

    def _outputs(self, time_ns: int) -> None:
        """Tell what is lit and sounds, if that has changed."""
        shown = self._parts.presenter.shown
        if self._lit != (shown.lamps, shown.tone_hz):
            self._lit = (shown.lamps, shown.tone_hz)
            told = {"event": "outputs", "lamps": sorted(shown.lamps), "tone_hz": shown.tone_hz}
            self._parts.publish({"t": self.epoch_s(time_ns), **told})

    def _ledger(self, event: Event, decided_ns: int, written_ns: int) -> None:
        kind, stamp_ns, taken_ns = self._cause
        self.presented.add_ns(written_ns - stamp_ns)
        self._parts.publish(
            {
                "t": event["t"],
                "event": "latency",
                "level": event["level"],
                "input": kind,
                "cause": event["cause"],
                "stamp_ns": stamp_ns,
                "taken_us": (taken_ns - stamp_ns) / 1000,
                "decided_us": (decided_ns - stamp_ns) / 1000,
                "written_us": (written_ns - stamp_ns) / 1000,
            }
        )

    # Once a second

    def _check(self, now_ns: int) -> None:
        self._next_check_ns += (1 + (now_ns - self._next_check_ns) // CHECK_NS) * CHECK_NS
        epoch_s = self.epoch_s(now_ns)
        for event in self._limit.second_over(epoch_s):
            self._parts.publish(event)
        self._loads.check(self.states, epoch_s)
        self._check_outputs(epoch_s)
        self._checks.hints(epoch_s)
        self._checks.clock(self._unix() - self._now() - self._offset_ns, epoch_s)
        self._note()
        if now_ns >= self._next_statistics_ns:
            self._next_statistics_ns += STATISTICS_NS
            self._parts.publish(self.statistics())

    def _check_outputs(self, epoch_s: float) -> None:
        self._checks.outputs(epoch_s)
        sender = self._parts.sender
        fault = sender.fault if sender else ""
        if bool(fault) != self._silenced:
            self._silenced = bool(fault)
            link = Link(self._now(), "radio", not fault, "cannot_send" if fault else "connected", fault)
            self.states.link(link, epoch_s)
            self._show_system(self._now())
