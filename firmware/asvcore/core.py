"""The core of a unit: events in, integer command records out. See docs/contracts.md.

Every event has the time it was received (unit ms, never running back: an earlier time is taken as the
last one and counted) and a `cause`, the caller's number for it, which the records it leads to repeat.
"""

from . import codec, codes, crossing, params
from .arbiter import Arbiter
from .commands import Commands
from .ego import Ego
from .elements import CODED, MESSAGE_BYTES, VERSION
from .hmi import Hmi
from .neighbours import SOURCE_LIMIT, Neighbours
from .params import NEVER_MS, NONE
from .relation import Relation
from .supports import FREE, HOLD, Supports
from .transmit import Transmitter

_INPUTS = 3
_NOT_READY = (
    codes.REASON_EGO_POSITION_UNKNOWN,
    codes.REASON_EGO_SPEED_UNKNOWN,
    codes.REASON_HEADING_UNKNOWN,
    codes.REASON_ERROR_UNBOUNDED,
)


class Core:
    """One unit's core, made anew at each ignition (a new seed gives a new vehicle_id)."""

    def __init__(self, settings):
        settings.check()
        self.settings = settings
        self.commands = Commands(settings.records)
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
        self._raw = [0] * CODED
        self._relation = Relation()
        self._candidate = crossing.Candidate()
        self._next_send_ms = NONE
        self._received_ms = NEVER_MS
        self._input_states = [-1] * _INPUTS
        self._input_reasons = [-1] * _INPUTS
        self._ready_reason = -1
        self._system = -1

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
        if len(buffer) != MESSAGE_BYTES:
            self._drop(codes.REASON_LENGTH, source, NONE, cause)
            return
        if buffer[0] & 0x1F != VERSION:
            self._drop(codes.REASON_VERSION, source, NONE, cause)
            return
        vehicle_id = (buffer[2] << 6) | (buffer[3] >> 2)
        if vehicle_id == self.transmitter.vehicle_id and self.transmitter.is_own(buffer):
            self._drop(codes.REASON_OWN_FRAME, source, vehicle_id, cause)
            return
        codec.decode_into(buffer, self._raw)
        neighbour = self._neighbour(source, vehicle_id, cause)
        if neighbour is None:
            return
        self._received_ms = self.now_ms
        neighbour.received_ms = self.now_ms
        neighbour.radio_flag = radio_flag
        neighbour.take(self._raw)
        if neighbour.emergency and not radio_flag:
            neighbour.emergency = 0  # counts as an ordinary vehicle
            self._drop(codes.REASON_EMERGENCY_UNVERIFIED, source, vehicle_id, cause)
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
        self._check_inputs(cause)
        gate = crossing.gate(self.ego, self.settings)
        self._check_ready(gate, cause)
        self.due_ms = NONE
        neighbours = self.neighbours
        at = neighbours.count - 1
        while at >= 0:  # backwards: removal moves the last into the hole
            neighbour = neighbours.used[at]
            self._judge(neighbour, gate, cause)
            at -= 1
        self.supports.changed = True  # time alone lets a more dangerous target through
        self._report(cause)
        self._expire(cause)

    def rebase(self, offset_ms):
        """The caller's clock steps back by this much, once, between events (params.REBASE_MS)."""
        self.now_ms -= offset_ms
        self.ego.rebase(offset_ms)
        self.neighbours.rebase(offset_ms)
        self.supports.rebase(offset_ms)
        self._received_ms = max(self._received_ms - offset_ms, NEVER_MS)
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

    def _drop(self, reason, source, vehicle_id, cause):
        self.commands.put(codes.COMMAND_DROP, self.now_ms, cause, reason, source, vehicle_id)

    def _neighbour(self, source, vehicle_id, cause):
        """The neighbour whose next message `_raw` is; None when it is a duplicate, late, or finds no room."""
        key = (source << 14) | vehicle_id
        neighbour = self.neighbours.get(key)
        raw = self._raw
        if neighbour is None:
            neighbour = self.neighbours.add(key)
            if neighbour is None:
                far = self.neighbours.farthest()
                if far is None:
                    self._drop(codes.REASON_TABLE_FULL, source, vehicle_id, cause)
                    return None
                self._forget(far, codes.REASON_TABLE_FULL, cause)
                neighbour = self.neighbours.add(key)
            neighbour.source = source
            neighbour.vehicle_id = vehicle_id
            self.commands.put(codes.COMMAND_NEIGHBOUR, self.now_ms, cause, codes.REASON_NEW, source, vehicle_id)
            return neighbour
        if self.now_ms - neighbour.received_ms <= params.PREDICTION_MS:
            step = (raw[codec.INCREMENT_COUNTER] - neighbour.counter) & 0xFF
            if step > 128:
                self._drop(codes.REASON_REORDERED, source, vehicle_id, cause)
                return None
            if step == 0:
                if neighbour.repeats(raw):
                    self._drop(codes.REASON_DUPLICATE, source, vehicle_id, cause)
                    return None
                self._drop(codes.REASON_COUNTER_STUCK, source, vehicle_id, cause)
        return neighbour

    def _judge(self, neighbour, gate, cause):
        candidate = self._candidate
        followed = neighbour.supports[codes.FUNCTION_CROSSING] >= 0
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
                crossing.judge(self.ego, neighbour, self._relation, self.settings, candidate)
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

    def _expire(self, cause):
        neighbours = self.neighbours
        at = neighbours.count - 1
        while at >= 0:
            neighbour = neighbours.used[at]
            if self.now_ms - neighbour.received_ms > params.PREDICTION_MS and not neighbour.followed():
                self._forget(neighbour, codes.REASON_GONE, cause)
            at -= 1

    def _forget(self, neighbour, reason, cause):
        self.commands.put(codes.COMMAND_NEIGHBOUR, self.now_ms, cause, reason, neighbour.source, neighbour.vehicle_id)
        self.neighbours.remove(neighbour)

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
            1 if made.state_reason == 0 else 0,
            made.position_reason if made.position_reason else made.state_reason,
        )
        self._next_send_ms += params.TRANSMISSION_INTERVAL_MS
        late_ms = self.now_ms - self._next_send_ms
        if late_ms >= 0:  # never a burst: what was missed is counted, not made up for
            missed = late_ms // params.TRANSMISSION_INTERVAL_MS + 1
            self.missed_slots += missed
            self._next_send_ms += missed * params.TRANSMISSION_INTERVAL_MS

    # States of the inputs

    def _check_inputs(self, cause):
        ego, settings = self.ego, self.settings
        reason = ego.position_reason()
        if not settings.uses_gnss:
            self._input(codes.INPUT_GNSS, codes.STATE_OFF, codes.REASON_NOT_CONFIGURED, cause)
        elif reason == 0:
            reason = self.transmitter.position_reason  # ok, but perhaps not codable
            self._input(codes.INPUT_GNSS, codes.STATE_OK, reason or codes.REASON_RECEIVED, cause)
        elif reason == codes.REASON_OUT_OF_RANGE:
            self._input(codes.INPUT_GNSS, codes.STATE_IMPLAUSIBLE, reason, cause)
        elif reason == codes.REASON_NO_INPUT or reason == codes.REASON_TIMEOUT:
            self._input(codes.INPUT_GNSS, codes.STATE_SILENT, reason, cause)
        else:
            self._input(codes.INPUT_GNSS, codes.STATE_STALE, reason, cause)

        if not settings.uses_can:
            self._input(codes.INPUT_CAN, codes.STATE_OFF, codes.REASON_NOT_CONFIGURED, cause)
        else:
            state = ego.can_state()
            self._input(codes.INPUT_CAN, state, _CAN_REASONS[state], cause)

        receiving = self.now_ms - self._received_ms <= params.RECEIVING_MS
        if not settings.uses_radio:
            self._input(codes.INPUT_RADIO, codes.STATE_OFF, codes.REASON_NOT_CONFIGURED, cause)
        elif receiving:
            self._input(codes.INPUT_RADIO, codes.STATE_OK, codes.REASON_RECEIVED, cause)
        else:
            never = self._received_ms == NEVER_MS
            reason = codes.REASON_NO_INPUT if never else codes.REASON_TIMEOUT
            self._input(codes.INPUT_RADIO, codes.STATE_SILENT, reason, cause)

        fault = 1 if ego.position_reason() != 0 else 0
        system = (2 if receiving else 0) | fault
        if system != self._system:
            self._system = system
            self.commands.put(codes.COMMAND_SYSTEM, self.now_ms, cause, 1, 1 if receiving else 0, fault)

    def _input(self, which, state, reason, cause):
        if self._input_states[which] == state and self._input_reasons[which] == reason:
            return
        self._input_states[which] = state
        self._input_reasons[which] = reason
        self.commands.put(codes.COMMAND_STATUS, self.now_ms, cause, which, state, reason)

    def _check_ready(self, gate, cause):
        """Say when crossing support cannot be given at all, and when it can again."""
        reason = gate if gate in _NOT_READY else codes.REASON_READY
        if reason == self._ready_reason or not self.settings.crossing:
            return
        self._ready_reason = reason
        self.commands.put(
            codes.COMMAND_SUPPORT,
            self.now_ms,
            cause,
            codes.FUNCTION_CROSSING,
            codes.LEVEL_NONE,
            0,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            reason,
        )


# STATE_ code of the vehicle side -> why
_CAN_REASONS = (
    codes.REASON_RECEIVED,
    codes.REASON_NO_INPUT,
    codes.REASON_TIMEOUT,
    codes.REASON_IMPLAUSIBLE,
)


def temporary_id(seed):
    """vehicle_id of an ignition: 14 random bits from the seed [G 3.7.2(d)]."""
    state = (seed ^ 0x2545F491) & 0x1FFFFFFF or 1
    for _ in range(8):
        state ^= (state << 13) & 0x1FFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0x1FFFFFFF
    return (state >> 9) & 0x3FFF
