"""The unit on a board: receiver, car and radio into the core, and what it says out to the driver and to the air.

`step` is one pass of the board's loop and takes a few ms: what has come in, a part of the tick that is due, lamps and
tone. It never raises. A part that does is counted, told and begun anew; the others go on. The watchdog is fed at the
end of a complete pass alone, and only while the core's ticks are done in time: a loop that hangs and a core that no
longer ticks both end in a reset. Nothing is allocated while nothing changes, but what `asvboard.wifi` names.
"""

from asvcore.core import Core
from asvcore.params import NONE, TRANSMISSION_INTERVAL_MS

from . import words
from .counted import Counted
from .faults import CAN, CORE, GNSS, RADIO, RETRY_MS, SWITCHES, Faults
from .nmea import FIX_WIDTH, NmeaReader
from .outputs import Outputs

JUDGED_A_PASS = 4  # neighbours of a tick; then frames that came meanwhile are taken
FRAMES_A_PASS = 4
BYTES_A_PASS = 1024  # of the receiver
TICKED_WITHIN_MS = 300  # else the watchdog is not fed
LATE_MS = 20  # a cycle that begins later is counted

_CAUSES = (1 << 29) - 1
_BUFFER = 250  # as much as the reader may be fed before its fixes are taken


class BoardUnit:
    """All hardware is passed in; `gnss_uart`, `can`, `radio`, `watchdog` and `switches` may be None.

    `missed` counts cycles that were left out, `late` those that began late; `faults.counts` faults by part.
    """

    def __init__(self, config, clock, gnss_uart, can, radio, lights, watchdog, console, switches=None):
        self.core = Core(config.settings)
        self.faults = Faults(console)
        self.outputs = Outputs(lights, radio, can, console, self.faults)
        self.reader = NmeaReader()
        self.missed = self.late = 0
        self._settings = config.settings
        self._clock = clock
        self._uart = gnss_uart
        self._can = can
        self._radio = radio
        self._lights = lights
        self.watchdog = watchdog
        self._console = console
        self._switches = switches
        self._self_test = config.hmi.self_test
        self._buffer = bytearray(_BUFFER)
        self._fix = [0] * FIX_WIDTH
        self._cause = 0
        self._next_cycle_ms = NONE
        self._ticking = False
        self._ticked_ms = 0  # when the last cycle was begun
        self._passed_ms = NONE  # when the last pass was
        self._counted = Counted(console, self.outputs, radio, can)
        self._can_told = self._radio_told = -1
        turns = [(CAN, self._hear_car)] if can else []
        turns += [(GNSS, self._read_receiver)] if gnss_uart else []
        turns += [(RADIO, self._hear_air)] if radio else []
        turns += [(SWITCHES, self._read_switches)] if switches else []
        turns += [(CORE, self._tick)]
        self._turns = turns  # of a pass, in its order; bound once, for that allocates

    def step(self, ticks):
        """One pass, at these ticks of the board."""
        clock, faults = self._clock, self.faults
        now_ms = clock.now_ms(ticks)
        if clock.rebase_due():
            self._end_tick(now_ms)
            now_ms = self._rebase(clock.rebase(), now_ms)
        if self._next_cycle_ms == NONE:
            self._begin(now_ms)
        self._after_stall(now_ms)
        turns = self._turns
        for index in range(len(turns)):
            part = turns[index][0]
            if faults.ready(part, now_ms):
                try:
                    turns[index][1](now_ms)
                except Exception as error:  # whatever a part does, the others go on
                    self._failed(part, error, now_ms)
        self.outputs.show(now_ms)
        self._counted.look(self.missed, self.late, now_ms)
        if self.watchdog is not None and now_ms - self._ticked_ms <= TICKED_WITHIN_MS:
            self.watchdog.feed()

    def _after_stall(self, now_ms):
        """What waited while no pass came would be taken for new."""
        stalled = self._passed_ms != NONE and now_ms - self._passed_ms > TICKED_WITHIN_MS
        self._passed_ms = now_ms
        if stalled and self._radio is not None:
            try:
                self._radio.forget_waiting()
            except Exception as error:
                self._failed(RADIO, error, now_ms)

    def dark(self, ticks):
        """All lamps off and silent, for there will be no more steps."""
        self._lights.dark()
        self._lights.tick(self._clock.now_ms(ticks))

    # What comes in

    def _hear_car(self, now_ms):
        can = self._can
        can.poll(self.core, now_ms, self._next_cause())
        if can.state != self._can_told:
            self._can_told = can.state
            self._console.say(words.CAN_STATES[can.state], now_ms)

    def _read_receiver(self, now_ms):
        uart, reader, buffer = self._uart, self.reader, self._buffer
        taken = 0
        waiting = uart.any()
        while waiting and taken < BYTES_A_PASS:
            count = uart.readinto(buffer, min(waiting, _BUFFER))  # no more than there is: it would wait for the rest
            if not count:
                break
            taken += count
            reader.feed(buffer, count, now_ms)
            self._take_fixes(now_ms)
            waiting = uart.any()
        reader.idle(now_ms)
        self._take_fixes(now_ms)

    def _take_fixes(self, now_ms):
        fix = self._fix
        while self.reader.take(fix):
            try:
                received_ms = max(fix[9], self.core.now_ms)  # silence ends an epoch later than its bytes came
                self.core.on_fix(
                    fix[0], fix[1], fix[2], fix[3], fix[4], fix[5], fix[6], fix[7], fix[8], received_ms,
                    self._next_cause(),
                )  # fmt: skip
            except Exception as error:
                self._failed(CORE, error, now_ms)

    def _hear_air(self, now_ms):
        radio = self._radio
        if radio.poll(now_ms) != self._radio_told:
            self._radio_told = radio.state
            self._console.link(radio, now_ms)
        for _ in range(FRAMES_A_PASS):
            if not radio.receive():
                return
            self._on_message(radio.payload, radio.source, now_ms)

    def _on_message(self, payload, source, now_ms):
        cause = self._next_cause()
        try:
            neighbour = self.core.take_message(payload, source, now_ms, False, cause)
            if neighbour is not None:
                self.core.judge_message(neighbour, cause)
            self.outputs.drain(self.core, now_ms)
        except Exception as error:
            self._failed(CORE, error, now_ms)

    def _read_switches(self, now_ms):
        told = self._switches.poll(now_ms)
        if told >= 0:
            self.core.on_switch(told >> 1, told & 1, now_ms, self._next_cause())

    # The grid of the cycles

    def _begin(self, now_ms):
        """The first pass: the grid begins now; what the start took is no lateness."""
        self._next_cycle_ms = now_ms
        self._ticked_ms = now_ms
        if self._self_test:
            self._lights.self_test(now_ms)
        self._console.say("unit: runs", now_ms)

    def _tick(self, now_ms):
        """The cycle that is due, or the next part of one under way, or what falls due in between."""
        core = self.core
        behind_ms = now_ms - self._next_cycle_ms
        if behind_ms >= 0:
            missed = behind_ms // TRANSMISSION_INTERVAL_MS  # left out, never made up for
            due_ms = self._next_cycle_ms + missed * TRANSMISSION_INTERVAL_MS
            self._next_cycle_ms = due_ms + TRANSMISSION_INTERVAL_MS
            self.missed += missed
            if now_ms - due_ms > LATE_MS:
                self.late += 1
            core.begin(max(due_ms, core.now_ms), 0)  # ends the one before, if that is still under way
            self._ticking = True
            self._ticked_ms = now_ms  # and the own frame leaves before anything is judged
        elif self._ticking:
            self._ticking = core.go_on(JUDGED_A_PASS, 0)
        elif core.due_ms != NONE and core.due_ms <= now_ms:
            core.begin(now_ms, 0)
            self._ticking = True
        self.outputs.drain(core, now_ms)

    def _end_tick(self, now_ms):
        """A tick under way is done at once, for the clocks go back."""
        if not self._ticking:
            return
        self._ticking = False
        try:
            self.core.finish(0)
            self.outputs.drain(self.core, now_ms)
        except Exception as error:
            self._failed(CORE, error, now_ms)

    # Faults

    def _failed(self, part, error, now_ms):
        """A part has raised: counted, told in one line, begun anew."""
        self.faults.failed(part, error, now_ms)
        try:
            if part == CORE:
                self._ticking = False
                self._next_cycle_ms = now_ms + RETRY_MS
                self.outputs.fault()
                self.core = None  # its memory is needed for the next
                self.core = Core(self._settings)
            elif part == GNSS:
                self.reader = NmeaReader()
            elif part == RADIO:
                self._radio.restart(now_ms)
        except Exception as again:
            self.faults.failed(part, again, now_ms)

    def _rebase(self, offset_ms, now_ms):
        """All clocks go back by this much; returns the time it is then."""
        if self.core is not None:
            self.core.rebase(offset_ms)
        self.reader.rebase(offset_ms)
        self._lights.rebase(offset_ms)
        self.faults.rebase(offset_ms)
        if self._can is not None:
            self._can.rebase(offset_ms)
        if self._radio is not None:
            self._radio.rebase(offset_ms)
        if self._switches is not None:
            self._switches.rebase(offset_ms)
        self._next_cycle_ms -= offset_ms
        self._ticked_ms -= offset_ms
        self._passed_ms -= offset_ms if self._passed_ms != NONE else 0
        self._counted.rebase(offset_ms)
        return now_ms - offset_ms

    def _next_cause(self):
        self._cause = self._cause % (_CAUSES - 1) + 1
        return self._cause
