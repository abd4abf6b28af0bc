"""The live unit: what came in and what is due, in the order of their times, into the core and out to the driver.

It never waits: `turn()` does all that has to be done by now, `deadline_ns()` says when it must be called again at
the latest. `asvunit.runtime` does the waiting; tests turn it by hand with a clock of their own. Lamps and buzzer
come first: they are written before anything is told to anyone.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from asvcore.params import TRANSMISSION_INTERVAL_MS
from asvunit.checkpoint import Checkpoint
from asvunit.clock import UnitClock, both_ns
from asvunit.event_limit import EventLimit
from asvunit.events import Event
from asvunit.hearing import FRAMES_A_PAUSE, FRAMES_A_TURN, RUSH_NS, Hearing, remark
from asvunit.input_states import InputStates
from asvunit.live_checks import LiveChecks
from asvunit.live_outputs import Cause, LiveOutputs
from asvunit.live_statistics import figures, statistics
from asvunit.loads import Loads
from asvunit.parts import Parts, Times, trusted_clock
from asvunit.ports import ExternalSupport, Fix, Link, Radio, RadioFrame, Switch, VehicleSignal
from asvunit.quantiles import Quantiles
from asvunit.scene import scene
from asvunit.sender import LEAD_NS
from asvunit.unit import Unit

CYCLE_NS: Final = TRANSMISSION_INTERVAL_MS * 1_000_000
JUDGED_AT_ONCE: Final = 24  # neighbours of a tick, before a frame that came meanwhile is taken
CHECK_NS: Final = 1_000_000_000  # how often drops, faults and the system clock are looked at
STATISTICS_NS: Final = 10_000_000_000
LATEST_SCENE_NS: Final = 300_000_000  # between two scenes, while frames never cease to wait

Record = Fix | VehicleSignal | ExternalSupport | Switch | RadioFrame
_KINDS: Final = {Fix: "fix", VehicleSignal: "signal", ExternalSupport: "support", Switch: "switch"}


class LiveUnit:
    """Drives a `Unit` with live parts. Event times are the monotonic clock's and one offset, fixed at the start."""

    def __init__(self, make: Callable[..., Unit], parts: Parts, times: Times, phase_ns: int = 0) -> None:
        """`make(clock, sink=, send=, show=)` makes the unit. `phase_ns`: of its cycles, within those of all units."""
        self.tables = Quantiles()  # from the kernel's stamp of a frame to the neighbour table
        self.frames = Quantiles()  # and to judged and shown
        self.cycles = Quantiles()  # from when a cycle was due to its begin
        self._parts = parts
        self._now, self._unix = times.monotonic_ns, times.unix_ns
        self._gnss_time = parts.trusted or trusted_clock(times)
        self._hearing = Hearing(parts, self._gnss_time.now_ms, self._now)
        self._phase_ns = phase_ns % CYCLE_NS
        now_ns, unix_ns = both_ns(self._now, self._unix)
        self._offset_ns = unix_ns - now_ns
        for written in (parts.recorder, parts.session):
            if written:
                written.offset_ns = self._offset_ns  # its times are those of the events
        self._clock = UnitClock(now_ns, self._offset_ns)
        self.states = InputStates(parts.publish)
        self._checks = LiveChecks(self.states, parts)
        self.outputs = LiveOutputs(parts.presenter, self.states, parts.publish, self._now, self.epoch_s)
        self._off_air = self._silenced = False
        self._remark = ""  # what was said of the frame that is taken
        self._cause = Cause("start", now_ns, now_ns)
        self._last_ns = self._next_cycle_ns = now_ns
        self._next_check_ns = now_ns + CHECK_NS
        self._next_statistics_ns = now_ns + STATISTICS_NS
        self._scene_due, self._scene_ns = False, now_ns
        self._limit = EventLimit()
        self._loads = Loads(parts)
        self.unit = make(self._clock, sink=self._told, send=self._send, show=self._show)
        self.unit.timed_by(self._now)
        self._checkpoint = Checkpoint(self.unit.core) if parts.session else None

    def begin(self) -> None:
        """The grid of the cycles begins now, at the unit's phase: what the start took is no lateness."""
        now_ns = self._now()
        self._last_ns = now_ns
        self._next_cycle_ns = now_ns + self._phase_ns
        self._next_check_ns, self._next_statistics_ns = now_ns + CHECK_NS, now_ns + STATISTICS_NS
        if self._parts.self_test:
            self.outputs.self_test(now_ns)

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
        links, handed = parts.inbox.take()
        for link in links:
            self.states.link(link, self.epoch_s(link.time_ns))
        frames = self._hearing.waiting(FRAMES_A_TURN)
        rush = len(frames) == FRAMES_A_TURN
        heard_ns = self._now()
        records: list[tuple[Record, int]] = [*handed]
        if not rush:
            records += [(frame, heard_ns) for frame in frames]
        if handed:
            records.sort(key=lambda one: one[0].time_ns)
        for record, parsed_ns in records:
            self._tick_until(record.time_ns)
            self._take(record, parsed_ns)
        if rush:
            self._rush(frames)
        now_ns = self._now()
        self._tick_until(now_ns)
        if links:
            self.outputs.show_system(now_ns)
            self.outputs.note()
        if now_ns >= self._next_check_ns:
            self._check(now_ns)
        if self._scene_due and (not rush or now_ns - self._scene_ns > LATEST_SCENE_NS):
            self._show_scene(now_ns)
        return rush

    def dark(self) -> None:
        """Lamps off and silent, and told so."""
        self.outputs.dark(self._now())

    def statistics(self) -> Event:
        """How long things took, and what was dropped, since the start."""
        timed = {"frame_to_table": self.tables, "frame_to_judged": self.frames}
        timed |= {"cause_to_pin": self.outputs.presented, "cycle_late": self.cycles}
        told = statistics(self._parts, self.unit, timed, self._loads)
        return {"t": self.epoch_s(self._now()), **told}

    # Inside

    def _rush(self, frames: list[RadioFrame]) -> None:
        """More frames wait than a turn takes: the most relevant first, for as long as there is time."""
        trailers = self.unit.trailers
        frames, superseded = self._hearing.rush(frames, self.unit, lambda: self._tick_until(self._now()))
        self._hearing.leave(superseded, "superseded", trailers)
        begin_ns = self._now()
        taken = 0
        for frame in frames:
            now_ns = self._now()
            if now_ns - begin_ns > RUSH_NS:
                self._hearing.leave(frames[taken:], "shed", trailers)
                break
            self._tick_until(now_ns)
            self._hear(frame, begin_ns)
            taken += 1
        self._hearing.took(taken, self._now() - begin_ns)

    def _take(self, record: Record, parsed_ns: int) -> None:
        if isinstance(record, RadioFrame):
            self._hear(record, parsed_ns)
            return
        stamp_ns = record.time_ns
        self._cause = Cause(_KINDS[type(record)], stamp_ns, self._now(), parsed_ns)
        time_ns = self._last_ns = max(stamp_ns, self._last_ns)  # the ways in hand over a little out of order
        record = record if stamp_ns == time_ns else replace(record, time_ns=time_ns)
        if isinstance(record, VehicleSignal):
            self.unit.vehicle(record)
        elif isinstance(record, ExternalSupport):
            self.unit.external(record)
        elif isinstance(record, Switch):
            self.unit.switch(record)
        else:
            self._gnss_time.fix(record)
            self.unit.fix(record)

    def _hear(self, received: RadioFrame, parsed_ns: int) -> None:
        frame = self._hearing.verified(received)
        if frame is None:
            return
        stamp_ns = frame.time_ns
        self._cause = Cause("frame", stamp_ns, self._now(), parsed_ns)
        self._last_ns = max(stamp_ns, self._last_ns)
        self._remark = ""
        self.unit.radio(frame, self._last_ns)
        self.tables.add_ns(self.unit.taken_ns - stamp_ns)
        self.frames.add_ns(self._now() - stamp_ns)
        if self._parts.recorder:
            self._parts.recorder.heard(frame, self._remark)
        if self._parts.session and self._parts.session.radio:
            self._parts.session.radio.heard(frame, self._remark)

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
        self.outputs.tick(time_ns)

    def _cycle(self) -> None:
        late_ns = self._now() - self._next_cycle_ns
        self.cycles.add_ns(late_ns)
        # Never a burst: what was missed is left out, and counted by the core
        due_ns = self._next_cycle_ns + late_ns // CYCLE_NS * CYCLE_NS
        self._next_cycle_ns = due_ns + CYCLE_NS
        self._tick("cycle", due_ns)
        self._scene_due = self._parts.scenes is not None and self._parts.scenes.scenes_wanted

    def _tick(self, kind: str, due_ns: int) -> None:
        self._last_ns = max(due_ns, self._last_ns)
        cause = self._cause = Cause(kind, due_ns, self._now())
        self.unit.begin_tick(self._last_ns)
        while self.unit.go_on(self._last_ns, JUDGED_AT_ONCE):
            frames = self._hearing.waiting(FRAMES_A_PAUSE)  # they do not wait for a full table
            heard_ns = self._now()
            for frame in frames:
                self._hear(frame, heard_ns)
            self._cause = cause

    def _show_scene(self, now_ns: int) -> None:
        """What is around, for those who watch: after all else, and with less haste."""
        self._scene_due, self._scene_ns = False, now_ns
        if self._parts.scenes:
            self._parts.scenes.publish_scene(scene(self.unit))

    def _send(self, time_ns: int, frame: bytes) -> None:
        if self._parts.sender:
            self._parts.sender.submit(time_ns + LEAD_NS, frame)

    def _show(self, event: Event) -> None:
        """To the driver first."""
        if not self.outputs.show(event, self._cause, self.unit.passed_ns):
            self._checks.outputs(self.epoch_s(self._now()))

    def _told(self, event: Event) -> None:
        """The core's events, to whoever listens."""
        kind = event["event"]
        if kind == "hmi":
            self.outputs.hmi(event)
        elif kind == "status":
            self.states.core(event)
            self.outputs.note()
        elif kind == "signal":
            self.states.signal(event)
            self._parts.publish(event)
            self.outputs.note()
        elif kind == "own_message":
            self.states.own_message(event)
            self._parts.publish(event)
            self.outputs.note()
        elif kind == "system":
            self.outputs.system(event)
        else:
            if kind in ("drop", "trailer"):
                self._remark = self._remark or remark(event)
            self._loads.told(event)
            if self._limit.admits(event):
                self._parts.publish(event)

    # Once a second

    def _check(self, now_ns: int) -> None:
        self._next_check_ns += (1 + (now_ns - self._next_check_ns) // CHECK_NS) * CHECK_NS
        epoch_s = self.epoch_s(now_ns)
        for event in self._limit.second_over(epoch_s):
            self._parts.publish(event)
        self._loads.check(self.states, epoch_s)
        self._checks.screen()
        self._checks.outputs(epoch_s)
        if self._parts.radio:
            self._tend(self._parts.radio, now_ns)
        self._checks.hints(epoch_s)
        self._checks.clock(self._unix() - self._now() - self._offset_ns, epoch_s)
        self.outputs.note()
        if now_ns >= self._next_statistics_ns:
            self._next_statistics_ns += STATISTICS_NS
            self._parts.publish(self.statistics())
        session = self._parts.session
        if session and session.part_due and self._checkpoint:
            session.new_part({**self.unit.state(), "core": self._checkpoint.dump()})

    def _tend(self, radio: Radio, now_ns: int) -> None:
        """The way to the air, which may have come or gone, and what is heard by it."""
        link, sender = radio.tend(), self._parts.sender
        if link is not None:
            self._off_air = not link.up
            if link.up and sender:
                sender.fault = ""  # that was of before; the next sending tells
            self._linked(link)
        fault = sender.fault if sender and not self._off_air else ""
        if bool(fault) != self._silenced:
            self._silenced = bool(fault)
            self._linked(Link(now_ns, "radio.send", not fault, "cannot_send" if fault else "connected", fault))
        if self._parts.signer:
            self._checks.signing(self._parts.signer.fault, self.epoch_s(now_ns))
        heard = self._hearing.arrivals.summary(now_ns)
        self._parts.publish({"t": self.epoch_s(now_ns), "event": "radio", **heard})
        self._parts.presenter.figures(figures(heard), self._now())

    def _linked(self, link: Link) -> None:
        self.states.link(link, self.epoch_s(link.time_ns))
        self.outputs.show_system(self._now())
