"""The core of a unit: events in, integer command records out. See docs/contracts.md.

Every event has the time it was received (unit ms, never running back: an earlier time is taken as the
last one and counted) and a `cause`, the caller's number for it, which the records it leads to repeat.
"""

from . import codec, codes, params
from .arbiter import Arbiter
from .commands import Commands
from .ego import Ego
from .externals import Externals
from .gates import EGO_ACTS, FUNCTIONS, Gates
from .hmi import Hmi
from .judging import Judging
from .neighbours import SOURCE_LIMIT, Neighbours
from .params import NONE
from .reception import EXPIRE_AT_ONCE, Reception
from .status import Status
from .support import FREE
from .supports import Supports
from .teller import Teller
from .transmit import Transmitter

# Records of one event beside those of supports, which can be told twice in it: one sent frame, six states, eight
# signals, the readiness of five functions, two of the HMI, reasons told, the neighbours that expire in a cycle
_RECORDS_BESIDE = 24 + codes.SIGNALS + params.TOLD_A_CYCLE + EXPIRE_AT_ONCE

# By SIGNAL_ code: what a value may be (docs/contracts.md)
_SIGNAL_RANGES = (
    (-30000, 30000), (0, 7), (0, 7), (0, 7), (0, 7), (0, 127), (-5000, 5000), (-20000, 20000), (0, 1),
)  # fmt: skip


class Core:
    """One unit's core, made anew at each ignition (a new seed gives a new vehicle_id)."""

    def __init__(self, settings):
        settings.check()
        self.settings = settings
        self.commands = Commands(2 * settings.supports + _RECORDS_BESIDE)
        self.ego = Ego(settings)
        self.neighbours = Neighbours(settings.neighbours)
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

    # Events

    def on_fix(
        self,
        latitude_cas,
        longitude_cas,
        speed_ckmh,
        course_cdeg,
        error_dm,
        height_m,
        vertical_error_m,
        tod_ms,
        status,
        received_ms,
        cause,
    ):
        """One epoch of the receiver; NONE for what it does not tell. `status` 0, or the REASON_ it is void for."""
        before = self._gates.opened()
        self._advance(received_ms, cause)
        self._looked_ms = NONE
        blind = self.ego.position_reason() != 0
        self.ego.fix(
            latitude_cas,
            longitude_cas,
            speed_ckmh,
            course_cdeg,
            error_dm,
            height_m,
            vertical_error_m,
            tod_ms,
            status,
        )
        self.teller.mark(codes.BOUNDARY_DECODED)
        self._end_by_ego(cause)
        if blind and self.ego.position_reason() == 0:
            if self._nodes_told:
                self._open_before = before
            else:
                self._open(before, cause)

    def on_vehicle(self, signal, value, status, source, received_ms, cause):
        """One vehicle signal: SIGNAL_ code, value in its unit, STATUS_ code, small integer of its bus."""
        if not 0 <= signal < codes.SIGNALS:
            raise ValueError("signal %d" % signal)
        if not 0 <= source < SOURCE_LIMIT:
            raise ValueError("source %d" % source)
        low, high = _SIGNAL_RANGES[signal]
        if status == codes.STATUS_OK and not low <= value <= high:
            raise ValueError("signal %d: value %d" % (signal, value))
        turns = signal == codes.SIGNAL_WINKER
        before = self._gates.opened() if turns else 0
        self._advance(received_ms, cause)
        self._looked_ms = NONE
        winker = self.ego.winker_side() if turns else NONE
        self.ego.vehicle(signal, value, status, source)
        self.teller.mark(codes.BOUNDARY_DECODED)
        self._end_by_ego(cause)
        if turns and self.ego.winker_side() != winker:
            self._open(before, cause)

    def on_switch(self, switch, value, received_ms, cause):
        """A switch of the driver's: SWITCH_ code, 1 pressed, 0 let go.

        Mute silences what sounds now, until the next cue. Request starts and ends the support of surrounding vehicles
        where it is given on request [G 4.4.2(2)]; else what is shown is told again.
        """
        self._advance(received_ms, cause)
        if value != 1:
            return
        self.teller.mark(codes.BOUNDARY_DECODED)
        before = self._gates.opened()
        if switch == codes.SWITCH_REQUEST and self._gates.request():
            self._looked_ms = NONE
            self._end_by_ego(cause)
            self._open(before, cause)
        elif switch == codes.SWITCH_REQUEST:
            self.teller.repeat(self.now_ms, cause)
        elif switch == codes.SWITCH_MUTE:
            self.teller.mute(self.now_ms, cause)

    def on_node(self, latitude_cas, longitude_cas, distance_m, priority, received_ms, cause):
        """The nearest branching node ahead, by the unit's map, told anew at each fix; all NONE: there is none.

        `priority`: 1 ego has it there, 0 it has not, NONE not known [G 4.1.3, appendix 1 (33)-(40)].
        """
        self._advance(received_ms, cause)
        self._looked_ms = NONE
        self.ego.node.put(latitude_cas, longitude_cas, distance_m, priority, self.now_ms)
        self._nodes_told = True
        if self._open_before != NONE:
            self._open(self._open_before, cause)
            self._open_before = NONE

    def on_support(self, origin, function, level, direction, received_ms, cause):
        """What another support system says now: ORIGIN_, FUNCTION_, LEVEL_ and DIRECTION_ codes.

        To be repeated within a second while it holds; LEVEL_NONE ends it [G 2.6(3), 3.8].
        """
        if not codes.ORIGIN_VEHICLE < origin <= codes.ORIGIN_AUTONOMOUS or not 0 < function < FUNCTIONS:
            raise ValueError("support of origin %d, function %d" % (origin, function))
        if not codes.LEVEL_NONE <= level <= codes.LEVEL_CAUTION or not 0 <= direction <= 3:
            raise ValueError("support of level %d, direction %d" % (level, direction))
        self._advance(received_ms, cause)
        external = self._externals.take(origin, function, level, direction, self.now_ms)
        if external is not None:
            self.teller.mark(codes.BOUNDARY_DECODED)
            self.supports.external(external, self.now_ms, cause)
            self._report(cause)

    def on_message(self, buffer, source, received_ms, radio_flag, cause):
        """One received payload without trailer, any bytes of any length.

        `source`: the sender's address as a small integer; `radio_flag`: the radio's own flag of
        [G appendix 1 (42)], true only after verification. What is not taken is a DROP record.
        """
        neighbour = self.take_message(buffer, source, received_ms, radio_flag, cause)
        if neighbour is not None:
            self.judge_message(neighbour, cause)

    def take_message(self, buffer, source, received_ms, radio_flag, cause):
        """The first part of `on_message`: the neighbour whose news it is, in the table now; None: dropped."""
        if not 0 <= source < SOURCE_LIMIT:
            raise ValueError("source %d" % source)
        self._advance(received_ms, cause)
        return self._reception.take(buffer, source, self.now_ms, radio_flag, cause)

    def judge_message(self, neighbour, cause):
        """The second part, before anything else comes: the neighbour is judged."""
        self._look()
        self._judging.judge(neighbour, self.now_ms, cause)
        self._report(cause)

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
            if not externals[index].free():
                self.supports.external(externals[index], now_ms, cause)
        self.supports.changed = True  # time alone lets a more dangerous target through
        self._report(cause)
        self._reception.expire(now_ms, cause)
        return False

    def finish(self, cause=0):
        """The rest of a tick: all neighbours are judged."""
        self.go_on(self.neighbours.capacity, cause)

    def remoteness_dm(self, buffer, source):
        """How little the sender of a payload matters to ego now: less is more. Changes nothing.

        For callers that have more payloads waiting than time: whom supports follow, then who can be here soonest.
        """
        return self._reception.remoteness_dm(buffer, source)

    def explain(self, neighbour, function, candidate):
        """Fill a `Candidate` with what a function makes of a neighbour now, without giving or ending anything."""
        self._gates.look(self.ego)
        self._judging.explain(neighbour, function, self.now_ms, candidate)

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
        for index in range(len(pool)):
            support = pool[index]
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


def temporary_id(seed):
    """vehicle_id of an ignition: 14 random bits from the seed [G 3.7.2(d)]."""
    state = (seed ^ 0x2545F491) & 0x1FFFFFFF or 1
    for _ in range(8):
        state ^= (state << 13) & 0x1FFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0x1FFFFFFF
    return (state >> 9) & 0x3FFF
