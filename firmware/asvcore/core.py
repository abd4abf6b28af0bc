"""The core of a unit: events in, integer command records out. See docs/contracts.md.

Every event has the time it was received (unit ms, never running back: an earlier time is taken as the
last one and counted) and a `cause`, the caller's number for it, which the records it leads to repeat.
"""

from . import codec, codes, crossing, params
from .arbiter import Arbiter
from .commands import Commands
from .ego import Ego
from .hmi import Hmi
from .neighbours import SOURCE_LIMIT, Neighbours
from .params import NONE
from .reception import EXPIRE_AT_ONCE, Reception
from .relation import Relation
from .status import Status
from .supports import FREE, HOLD, Supports
from .transmit import Transmitter

# Records of one event beside those of supports, which can be told twice in it: one sent frame, six states, two of
# the HMI, the neighbours that expire in a cycle
_RECORDS_BESIDE = 16 + EXPIRE_AT_ONCE


class Core:
    """One unit's core, made anew at each ignition (a new seed gives a new vehicle_id)."""

    def __init__(self, settings):
        settings.check()
        self.settings = settings
        self.commands = Commands(2 * settings.supports + _RECORDS_BESIDE)
        self.ego = Ego(settings)
        self.neighbours = Neighbours(settings.neighbours)
        self.supports = Supports(settings)
        self.hmi = Hmi()
        self.transmitter = Transmitter(settings, temporary_id(settings.seed))
        self.now_ms = 0
        self.time_back = 0
        self.missed_slots = 0
        self.due_ms = NONE  # a tick at this time, before the next of the grid, tells something sooner
        self._arbiter = Arbiter(settings, self.supports)
        self._reception = Reception(self.neighbours, self.transmitter, self.commands)
        self._status = Status(settings, self.commands)
        self._relation = Relation()
        self._candidate = crossing.Candidate()
        self._next_send_ms = NONE

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
        self._advance(received_ms, cause)
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
        self._check_started(cause)

    def on_vehicle(self, signal, value, status, source, received_ms, cause):
        """One vehicle signal: SIGNAL_ code, value in its unit, STATUS_ code, small integer of its bus."""
        if not 0 <= signal < codes.SIGNALS:
            raise ValueError("signal %d" % signal)
        if not 0 <= source < SOURCE_LIMIT:
            raise ValueError("source %d" % source)
        self._advance(received_ms, cause)
        self.ego.vehicle(signal, value, status, source)
        self._check_started(cause)

    def on_switch(self, switch, value, received_ms, cause):
        """A switch of the driver's; what it does is the outputs' business, its time is the journal's."""
        self._advance(received_ms, cause)

    def on_message(self, buffer, source, received_ms, radio_flag, cause):
        """One received payload without trailer, any bytes of any length.

        `source`: the sender's address as a small integer; `radio_flag`: the radio's own flag of
        [G appendix 1 (42)], true only after verification. What is not taken is a DROP record.
        """
        if not 0 <= source < SOURCE_LIMIT:
            raise ValueError("source %d" % source)
        self._advance(received_ms, cause)
        neighbour = self._reception.take(buffer, source, self.now_ms, radio_flag, cause)
        if neighbour is None:
            return
        self._judge(neighbour, crossing.gate(self.ego, self.settings), cause)
        self._report(cause)

    def tick(self, now_ms, cause=0):
        """Time has come this far.

        Called every 100 ms, the grid of the transmissions, and at `due_ms` in between: the moment when,
        as the targets go, a level rises or an end is reached.
        """
        self._advance(now_ms, cause)
        now_ms = self.now_ms
        if self._next_send_ms == NONE:
            self._next_send_ms = now_ms
        if now_ms >= self._next_send_ms:
            self._send(cause)
        gate = crossing.gate(self.ego, self.settings)
        self._status.check(self.ego, self.transmitter.position_reason, self._reception.received_ms, gate, cause)
        self.due_ms = NONE
        neighbours = self.neighbours
        at = neighbours.count - 1
        while at >= 0:
            self._judge(neighbours.used[at], gate, cause)
            at -= 1
        self.supports.changed = True  # time alone lets a more dangerous target through
        self._report(cause)
        self._reception.expire(self.now_ms, cause)

    def rebase(self, offset_ms):
        """The caller's clock steps back by this much, once, between events (params.REBASE_MS)."""
        self.now_ms -= offset_ms
        self.ego.rebase(offset_ms)
        self._reception.rebase(offset_ms)
        self.supports.rebase(offset_ms)
        if self._next_send_ms != NONE:
            self._next_send_ms -= offset_ms
        if self.due_ms != NONE:
            self.due_ms -= offset_ms

    # Inside

    def _advance(self, received_ms, cause):
        if received_ms < self.now_ms:
            self.time_back += 1
            return
        self.now_ms = received_ms
        self.ego.advance(received_ms)
        self._check_started(cause)

    def _check_started(self, cause):
        # Ego's own act ends support at once, not at the next tick [D15]
        if not self.ego.started_now:
            return
        gate = crossing.gate(self.ego, self.settings)
        self.ego.started_now = False
        if gate != codes.REASON_EGO_STARTED:
            return
        pool = self.supports.pool
        for index in range(len(pool)):
            if pool[index].state != FREE:
                self._judge(pool[index].neighbour, gate, cause)
        self._report(cause)

    def _judge(self, neighbour, gate, cause):
        candidate = self._candidate
        index = neighbour.supports[codes.FUNCTION_CROSSING]
        followed = index >= 0
        support = self.supports.pool[index] if followed else None
        if not self.settings.crossing:
            return
        if gate and not followed:
            neighbour.reason = gate
            return
        candidate.clear()
        if gate:
            candidate.reason = gate
        else:
            # A lost target goes on as it went as long as support follows it [D15]
            limit_ms = 2 * params.LOST_LIMIT_MS if followed else params.PREDICTION_MS
            if self._relation.make(self.ego, neighbour, self.now_ms, self.settings, limit_ms):
                crossing.judge(self.ego, neighbour, self._relation, self.settings, support, candidate)
            else:
                known = neighbour.latitude_cas != NONE
                candidate.reason = codes.REASON_TOO_FAR if known else codes.REASON_TARGET_DATA
        if not followed and self.now_ms - neighbour.received_ms > params.PREDICTION_MS:
            return
        self.supports.follow(neighbour, candidate, self.now_ms, cause)
        due_ms = candidate.due_ms
        index = neighbour.supports[codes.FUNCTION_CROSSING]
        if index >= 0 and self.supports.pool[index].state == HOLD:
            due_ms = self.supports.pool[index].hold_until_ms - self.now_ms
        if due_ms < params.TRANSMISSION_INTERVAL_MS:  # else the grid comes first; also NONE
            self._due_in(due_ms)

    def _due_in(self, due_ms):
        if due_ms == NONE:
            return
        at_ms = self.now_ms + max(due_ms, params.DUE_STEP_MS)
        if self.due_ms == NONE or at_ms < self.due_ms or self.due_ms <= self.now_ms:
            self.due_ms = at_ms

    def _report(self, cause):
        supports = self.supports
        if not supports.changed:
            return
        supports.changed = False
        self._arbiter.decide(self.now_ms)
        pool = supports.pool
        for index in range(len(pool)):
            support = pool[index]
            if support.dirty:
                support.dirty = False
                self.commands.put(
                    codes.COMMAND_SUPPORT,
                    self.now_ms,
                    cause,
                    support.function,
                    support.level,
                    1 if support.presented else 0,
                    support.neighbour.source,
                    support.neighbour.vehicle_id,
                    support.distance_dm,
                    support.error_dm,
                    support.threshold_dm,
                    support.ttc_ms,
                    support.reason,
                )
        if self.hmi.update(self._arbiter.primary, pool):
            hmi = self.hmi
            self.commands.put(
                codes.COMMAND_HMI,
                self.now_ms,
                cause,
                hmi.level,
                hmi.colour,
                hmi.function,
                hmi.direction,
                hmi.sound,
                hmi.text,
            )

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
