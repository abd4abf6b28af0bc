"""What a core does as time passes, and what all its events share: the parts, the cycle, ego's own acts.

A cycle is the tick on the grid of the transmissions: the own frame, the unit's states, all neighbours judged, those
who are gone forgotten.
"""

from . import codec, codes, params
from .arbiter import Arbiter
from .commands import Commands
from .ego import Ego
from .externals import Externals, free
from .gates import EGO_ACTS, FUNCTIONS, Gates
from .hmi import Hmi
from .judging import Judging
from .neighbours import Neighbours
from .params import NONE
from .reception import Reception
from .status import Status
from .support import FREE
from .supports import Supports
from .teller import Teller
from .transmit import Transmitter, temporary_id

# Of one event the supports and the HMI are told three times at most: where a tick is left open and its rest comes with
# the next, or where a fix lets time pass, ends and opens. So the reasons why not and those who expire come twice.
_REPORTS = 3
_CYCLES = 2
# Once: a frame is sent, three inputs, the lamps, the signals, the functions' readiness; of a message there are fewer
_STATES = 1 + 3 + 1 + codes.SIGNALS + FUNCTIONS - 1


class Cycle:
    """A core without its inputs (core.py)."""

    def __init__(self, settings):
        settings.check()
        self.settings = settings
        self.ego = Ego(settings)
        self.neighbours = Neighbours(settings.neighbours)
        self.commands = Commands(
            _REPORTS * (settings.support_count() + 1)
            + _CYCLES * (params.TOLD_A_CYCLE + self.neighbours.expire_at_once)
            + _STATES
        )
        self.supports = Supports(settings)
        self.hmi = Hmi(settings.information_sound)
        self.transmitter = Transmitter(settings, temporary_id(settings.seed))
        self.now_ms = 0
        self.time_back = 0
        self.missed_slots = 0
        self._arbiter = Arbiter(settings, self.supports)
        self._reception = Reception(self.neighbours, self.ego, self.transmitter, self.commands)
        self._status = Status(settings, self.commands)
        self._gates = Gates(settings)
        self._externals = Externals()
        self._judging = Judging(settings, self.ego, self._gates, self.supports, self.commands)
        self.teller = Teller(self.supports, self._arbiter, self.hmi, self._judging, self.commands)
        self._next_send_ms = NONE
        self._looked_ms = NONE  # when the gates were looked at, while nothing of ego has changed since
        self._to_judge = 0  # neighbours that the tick under way has yet to judge
        self._ticking = False
        self._to_open = params.OPENED_A_CYCLE  # how often in this cycle what ego opens may be judged at once
        self._nodes_told = False  # the node ahead is told after each fix: what that opens waits for it
        self._open_before = NONE  # which functions were open before the fix whose node has yet to be told

    @property
    def due_ms(self):
        """A tick at this time, before the next of the grid, tells something sooner; or NONE."""
        return self._judging.due_ms

    @property
    def closed(self):
        """By FUNCTION_ code: the REASON_ why a function is not for ego, as it was when last looked at, or 0."""
        return self._gates.reasons

    @property
    def frame(self):
        """The 100 bytes of the last SEND record; overwritten by the next."""
        return self.transmitter.frame

    def tick(self, now_ms, cause=0):
        """Time has come this far.

        Called every 100 ms, the grid of the transmissions, and at `due_ms` in between: the moment when,
        as the targets go, a level rises or an end is reached.
        """
        self.begin(now_ms, cause)
        self.finish(cause)

    def begin(self, now_ms, cause=0):
        """The first part of a tick: the own frame is made; `go_on` or `finish` must follow."""
        if self._ticking:
            self.finish(cause)
        self._advance(now_ms, cause)
        now_ms = self.now_ms
        if self._next_send_ms == NONE:
            self._next_send_ms = now_ms
        if now_ms >= self._next_send_ms:
            self._send(cause)
            self._judging.to_tell = params.TOLD_A_CYCLE
            self._to_open = params.OPENED_A_CYCLE
        gates = self._gates
        self._look()
        self._status.check(self.ego, self.transmitter.position_reason, self._reception.received_ms, gates, cause)
        judging = self._judging
        judging.due_ms = NONE
        stops_in_ms = self.ego.stops_in_ms()
        if 0 < stops_in_ms < params.TRANSMISSION_INTERVAL_MS:
            judging.due_in(stops_in_ms, now_ms)
        self._to_judge = self.neighbours.count
        self._ticking = True

    def go_on(self, most, cause=0):
        """Judges at most so many neighbours of the tick under way; True while more of it is to be done.

        Between two calls other events may come: who waits for a message is not held up by a full table. The table
        is gone through backwards, and whoever is removed gives the place to the last: none is left out.
        """
        if not self._ticking:
            return False
        judging, neighbours, now_ms = self._judging, self.neighbours, self.now_ms
        at = min(self._to_judge, neighbours.count)
        last = max(at - most, 0)
        if at > last:
            self._look()
        while at > last:
            at -= 1
            judging.judge(neighbours.used[at], now_ms, cause)
        self._to_judge = at
        if at:
            self._report(cause)
            return True
        self._ticking = False
        externals = self._externals.all
        for index in range(len(externals)):
            if not free(externals[index]):
                self.supports.external(externals[index], now_ms, cause)
        self.supports.changed = True  # time alone lets a more dangerous target through
        self._report(cause)
        self._reception.expire(now_ms, cause)
        return False

    def finish(self, cause=0):
        """The rest of a tick: all neighbours are judged."""
        self.go_on(self.neighbours.capacity, cause)

    def rebase(self, offset_ms):
        """The caller's clock steps back by this much, once, between events (params.REBASE_MS)."""
        self.now_ms -= offset_ms
        self._looked_ms = NONE
        self.ego.rebase(offset_ms)
        self._reception.rebase(offset_ms)
        self._status.rebase(offset_ms)
        self.supports.rebase(offset_ms)
        self.hmi.rebase(offset_ms)
        self._externals.rebase(offset_ms)
        if self._next_send_ms != NONE:
            self._next_send_ms -= offset_ms
        if self._judging.due_ms != NONE:
            self._judging.due_ms -= offset_ms

    # Inside

    def _advance(self, received_ms, cause):
        if received_ms < self.now_ms:
            self.time_back += 1
            return
        if received_ms == self.now_ms:
            return
        self.now_ms = received_ms
        self.ego.advance(received_ms)
        if self.ego.started_now:
            self._end_by_ego(cause)

    def _look(self):
        """The gates as they are now; many frames come within a millisecond."""
        if self._looked_ms != self.now_ms:
            self._looked_ms = self.now_ms
            self._gates.look(self.ego)

    def _open(self, before, cause):
        """Ego has just become one that support is for: all that are heard are judged now, not at the next tick.

        `before`: the functions that were open. A flickering winker costs no more than a few ticks would.
        """
        self._look()
        if self._to_open == 0 or not self._gates.opened() & ~before:
            return
        self._to_open -= 1
        neighbours = self.neighbours
        for index in range(neighbours.count):
            self._judging.judge(neighbours.used[index], self.now_ms, cause)
        self._report(cause)

    def _end_by_ego(self, cause):
        # Ego's own act ends support at once, not at the next tick [D15]
        ego, counts = self.ego, self.supports.counts
        acts = counts[1] or counts[2] or counts[3] or (self.settings.surrounding_shown and counts[4])
        if not ego.started_now and not acts:
            return
        self._look()
        ego.started_now = False
        self._looked_ms = NONE
        reasons = self._gates.reasons
        pool = self.supports.pool
        for support in pool:
            if support.state == FREE or support.origin != codes.ORIGIN_VEHICLE:
                continue
            if reasons[support.function] in EGO_ACTS:
                self._judging.judge(support.neighbour, self.now_ms, cause)
        self._report(cause)

    def _report(self, cause):
        self.teller.report(self.now_ms, cause)

    def _send(self, cause):
        self.transmitter.make(self.ego)
        made = self.transmitter
        self.commands.put(
            codes.COMMAND_SEND,
            self.now_ms,
            cause,
            made.raw[codec.INCREMENT_COUNTER],
            made.raw[codec.REVISION_COUNTER],
            1 if made.position_reason == 0 else 0,
            1 if made.raw[codec.SENSOR_AVAILABILITY] else 0,
            made.position_reason if made.position_reason else made.state_reason,
            made.state_reason,
        )
        self._next_send_ms += params.TRANSMISSION_INTERVAL_MS
        late_ms = self.now_ms - self._next_send_ms
        if late_ms >= 0:  # never a burst: what was missed is counted, not made up for
            missed = late_ms // params.TRANSMISSION_INTERVAL_MS + 1
            self.missed_slots += missed
            self._next_send_ms += missed * params.TRANSMISSION_INTERVAL_MS
