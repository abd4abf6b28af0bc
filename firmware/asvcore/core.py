"""The core of a unit: events in, integer command records out. See docs/contracts.md.

Every event has the time it was received (unit ms, never running back: an earlier time is taken as the
last one and counted) and a `cause`, the caller's number for it, which the records it leads to repeat.
"""

import gc

# While a board loads the modules it collects often: what loading leaves behind would lie between them for good, and the
# core needs some kilobytes in one piece. CPython has no such threshold
_before = gc.threshold() if hasattr(gc, "threshold") else None
if _before is not None:
    gc.threshold(8192)

from . import codes  # noqa: E402
from .cycle import Cycle  # noqa: E402
from .gates import FUNCTIONS  # noqa: E402
from .neighbours import SOURCE_LIMIT  # noqa: E402
from .params import NONE  # noqa: E402

if _before is not None:
    gc.collect()
    gc.threshold(_before)

# By SIGNAL_ code: what a value may be (docs/contracts.md)
SIGNAL_RANGES = (
    (-30000, 30000), (0, 7), (0, 7), (0, 7), (0, 7), (0, 127), (-5000, 5000), (-20000, 20000), (0, 1),
)  # fmt: skip


class Core(Cycle):
    """One unit's core, made anew at each ignition (a new seed gives a new vehicle_id)."""

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
        low, high = SIGNAL_RANGES[signal]
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

    def remoteness_dm(self, buffer, source):
        """How little the sender of a payload matters to ego now: less is more. Changes nothing.

        For callers that have more payloads waiting than time: whom supports follow, then who can be here soonest.
        """
        return self._reception.remoteness_dm(buffer, source)

    def explain(self, neighbour, function, candidate):
        """Fill a `Candidate` with what a function makes of a neighbour now, without giving or ending anything."""
        self._gates.look(self.ego)
        self._judging.explain(neighbour, function, self.now_ms, candidate)
