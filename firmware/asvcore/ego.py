"""Own state: fix and vehicle signals with their age, dead reckoning, kept heading, waiting at a stop line."""

from array import array

from . import codes, params
from .kinds import class_error_dm, kind_length_dm
from .manoeuvre import Node, Turn
from .message import WINKER_LEFT, WINKER_OFF, WINKER_RIGHT
from .params import NEVER_MS, NONE
from .reckoning import PLACE_FROZEN, PLACE_NEW, PLACE_SAME, Reckoning

_FASTEST_CKMH = 100000  # times the longest step stays below 2^30
_PERIOD_MIN_MS = 40  # no receiver is faster than 25 Hz
_PERIOD_MAX_MS = 10000
_PERIODS = 5  # intervals between fixes that are remembered
_WAY_MM = 250000  # since the stop; more makes no difference


class Ego(Reckoning):
    """Ego as the judges and the transmitter see it; call `advance` with the time before reading.

    Units in the names; NONE where unknown.
    """

    def __init__(self, settings):
        Reckoning.__init__(self, settings)
        self._settings = settings
        self.turn = Turn()
        self.node = Node()
        self.length_dm = settings.vehicle_length_dm or kind_length_dm(settings.vehicle_kind)
        self.fix_ms = NEVER_MS  # when the last epoch came, valid or void
        self.fix_status = codes.REASON_NO_INPUT
        self.fix_tod_ms = NONE
        self.fix_speed_ckmh = NONE
        self.fix_course_cdeg = NONE
        self.fix_error_dm = NONE
        self.height_m = NONE
        self.vertical_error_m = NONE
        self._backward_cdeg = NONE  # course of the last fix, if ego was reversing
        self._speed_ms = NEVER_MS
        self._quality_ms = NEVER_MS
        self.revision_frames = 0
        self._intervals_ms = array("i", [0] * _PERIODS)
        self._interval_next = 0
        self.period_ms = 0  # of the receiver: the second shortest of the last intervals; 0 before the second epoch
        self._limit_ms = params.FIX_TIMEOUT_MS
        self.stopped = False  # waiting since it stopped, until it has started [D12]
        self.started_now = False  # it has started in this step
        self._low_since_ms = NONE
        self._since_stop_mm = 0
        self._displaced = 0  # fixes in a row far from where ego stopped
        self._stop_latitude_cas = NONE
        self._stop_longitude_cas = NONE

    # Inputs

    def fix(self, latitude_cas, longitude_cas, speed_ckmh, course_cdeg, error_dm, height_m, vertical_m, tod_ms, status):
        """One epoch of the receiver, received at `now_ms`."""
        speed_ckmh = min(speed_ckmh, _FASTEST_CKMH)
        if self.fix_ms != NEVER_MS and self.now_ms - self.fix_ms >= _PERIOD_MIN_MS:
            self._intervals_ms[self._interval_next] = min(self.now_ms - self.fix_ms, _PERIOD_MAX_MS)
            self._interval_next = (self._interval_next + 1) % _PERIODS
            self._measure_period()
        reckoned = self.dead_reckoned() and self.position_reason() == 0
        self.fix_ms = self.now_ms
        place = PLACE_NEW
        if status == codes.FIX_OK:
            standing = speed_ckmh != NONE and speed_ckmh < params.COURSE_CKMH
            place = self.placed(latitude_cas, longitude_cas, standing)
        self.fix_status = codes.REASON_FROZEN if place == PLACE_FROZEN else status
        status = self.fix_status
        if status != codes.FIX_OK:
            return
        self.fix_tod_ms = tod_ms
        # Receivers that send position more often than speed or quality: the last told holds as long as a fix would
        if speed_ckmh != NONE or self._old(self._speed_ms):
            self.fix_speed_ckmh = speed_ckmh
            self.fix_course_cdeg = course_cdeg
            self._speed_ms = self.now_ms
        if error_dm != NONE or height_m != NONE or self._old(self._quality_ms):
            self.fix_error_dm = error_dm
            self.height_m = height_m
            self.vertical_error_m = vertical_m
            self._quality_ms = self.now_ms
        self.revision_frames = 0
        settings = self._settings
        fast = self.speed_ckmh() >= params.COURSE_CKMH and (speed_ckmh == NONE or speed_ckmh >= params.COURSE_CKMH)
        self._backward_cdeg = course_cdeg if fast and self.reversing() else NONE
        if fast and course_cdeg != NONE and not self.reversing():
            self.set_heading((course_cdeg + self.turned_cdeg(settings.sampling_delay_ms)) % 36000)
            self.turn.course(self.heading_cdeg, self.speed_ckmh() >= params.TURN_SURE_CKMH)
        way_mm = max(self.speed_ckmh(), 0) * settings.sampling_delay_ms // 360
        way_mm = -way_mm if self.reversing() else way_mm
        ahead_dm, right_dm = settings.antenna_ahead_dm, settings.antenna_right_dm
        if not (place == PLACE_SAME and reckoned):
            self.restart(latitude_cas, longitude_cas, ahead_dm, right_dm, way_mm, reckoned)
        self._displace()
        self._wait()

    def vehicle(self, signal, value, status, source):
        """One vehicle signal, received at `now_ms`."""
        self.put(signal, value, status, source)
        if signal == codes.SIGNAL_SPEED:
            self._wait()
        elif signal == codes.SIGNAL_WINKER:
            self.turn.signal(self.winker_side(), self.heading_cdeg)

    def advance(self, now_ms):
        """Move on to a time: dead reckoning and the stop line's state."""
        step_ms = now_ms - self.now_ms
        if step_ms <= 0:
            return
        self._moved(step_ms)
        self.now_ms = now_ms
        self._wait()

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self.now_ms -= offset_ms
        if self.fix_ms != NEVER_MS:
            self.fix_ms = max(self.fix_ms - offset_ms, NEVER_MS + 1)
        if self._low_since_ms != NONE:
            self._low_since_ms = max(self._low_since_ms - offset_ms, NEVER_MS)
        self._speed_ms = max(self._speed_ms - offset_ms, NEVER_MS)
        self._quality_ms = max(self._quality_ms - offset_ms, NEVER_MS)
        self.rebase_signals(offset_ms)
        self.node.rebase(offset_ms)

    # What is known now

    def position_reason(self):
        """0 while the position can be used, else why not."""
        if self.fix_ms != NEVER_MS and self._old(self.fix_ms):
            return codes.REASON_TIMEOUT
        if self.fix_status != codes.FIX_OK:
            return self.fix_status
        settings = self._settings
        if (
            settings.position_mode == codes.POSITION_AUTO
            and self.heading_cdeg != NONE
            and (self.doubt_dm() >= settings.reckoning_dm or self.lost_way())
        ):
            return codes.REASON_ERROR_GROWN
        return 0

    def _old(self, stamp_ms):
        return self.now_ms - stamp_ms > self._limit_ms

    def speed_ckmh(self):
        """Speed in 0.01 km/h: fresh CAN, else the receiver's, else NONE."""
        speed_ckmh = self.signal(codes.SIGNAL_SPEED)
        if speed_ckmh != NONE:
            return abs(speed_ckmh)
        return self.fix_speed_ckmh if self.position_reason() == 0 else NONE

    def winker_side(self):
        """DIRECTION_ code of the winker's switch, 0 where it is off, NONE where it is not known."""
        code = self.signal(codes.SIGNAL_WINKER)
        if code == WINKER_RIGHT:
            return codes.DIRECTION_RIGHT
        if code == WINKER_LEFT:
            return codes.DIRECTION_LEFT
        return 0 if code == WINKER_OFF else NONE

    def time_of_day_ms(self):
        """UTC time of day by the receiver, now; NONE without a fix."""
        if self.fix_tod_ms == NONE or self.position_reason() != 0:
            return NONE
        return (self.fix_tod_ms + self.now_ms - self.fix_ms) % params.DAY_MS

    def direction_cdeg(self):
        """Direction of travel in 0.01 degrees, or NONE [D4]."""
        speed_ckmh = self.speed_ckmh()
        moving = speed_ckmh >= params.COURSE_CKMH
        if moving and self.position_reason() != 0:
            return NONE  # the kept heading is not that of a car that has moved on unseen
        if not self.reversing():
            return self.heading_cdeg
        if moving and self._backward_cdeg != NONE:
            return self._backward_cdeg
        if self.heading_cdeg == NONE or speed_ckmh <= 0:
            return self.heading_cdeg
        return (self.heading_cdeg + 18000) % 36000

    def dead_reckoned(self):
        """True while the sent position is the fix moved on with a fresh CAN speed."""
        if self._settings.position_mode != codes.POSITION_AUTO or self.heading_cdeg == NONE:
            return False
        return self.signal(codes.SIGNAL_SPEED) != NONE

    def error_dm(self):
        """Own position error a: the receiver's, else by class [D8]; grown since the fix while it is reckoned."""
        error_dm = self.fix_error_dm
        if error_dm == NONE:
            error_dm = class_error_dm(self._settings.position_class)
        return self.with_doubt_dm(error_dm) if self.is_doubtful() and self.dead_reckoned() else error_dm

    def told_error_dm(self):
        """Own position error as it is sent; NONE where receivers are to take the class's."""
        error_dm = self.error_dm()
        if self.fix_error_dm == NONE and error_dm < class_error_dm(self._settings.position_class) + 5:
            return NONE
        return error_dm

    # Inside

    def _measure_period(self):
        # The second shortest: a lone doubled epoch is no faster receiver
        first_ms = second_ms = _PERIOD_MAX_MS
        for index in range(_PERIODS):
            interval_ms = self._intervals_ms[index]
            if 0 < interval_ms < first_ms:
                first_ms, second_ms = interval_ms, first_ms
            elif 0 < interval_ms < second_ms:
                second_ms = interval_ms
        period_ms = second_ms if self._intervals_ms[2] else first_ms
        self.period_ms = period_ms
        self._limit_ms = max(params.FIX_TIMEOUT_MS, params.FIX_TIMEOUT_PERIODS * period_ms)

    def _moved(self, step_ms):
        speed_ckmh = self.speed_ckmh()
        way_mm = self.move(speed_ckmh, step_ms)
        if way_mm == 0:
            return
        # A standing receiver's speed is noise, and would add up; a car's own is not
        if speed_ckmh > params.STOPPED_CKMH or self.signal(codes.SIGNAL_SPEED) != NONE:
            self._since_stop_mm = max(-_WAY_MM, min(self._since_stop_mm + way_mm, _WAY_MM))
        if self.yaw_rate_cdegs() != NONE and self.heading_cdeg != NONE:
            self.turn.course(self.heading_cdeg, True)

    def _wait(self):
        """Stopped: 2 km/h or less for 0.3 s; started: 5 m on, or above 10 km/h with the brake off [D12]."""
        speed_ckmh = self.speed_ckmh()
        if speed_ckmh == NONE:
            self._low_since_ms = NONE
            return
        if self.stopped:
            if self._started(speed_ckmh):
                self.stopped = False
                self.started_now = True
                self._low_since_ms = NONE
        elif speed_ckmh > params.STOPPED_CKMH:
            self._low_since_ms = NONE
        elif self._low_since_ms == NONE:
            self._low_since_ms = self.now_ms
        if (
            not self.stopped
            and self._low_since_ms != NONE
            and self.now_ms - self._low_since_ms >= params.STOPPED_FOR_MS
        ):
            self.stopped = True
            self.started_now = False
            self.turn.rest(self.heading_cdeg)
            self._since_stop_mm = 0
            self._anchor()

    def stops_in_ms(self):
        """Time until ego counts as stopped if it stays so slow, or NONE."""
        if self.stopped or self._low_since_ms == NONE:
            return NONE
        return self._low_since_ms + params.STOPPED_FOR_MS - self.now_ms

    def _anchor(self):
        known = self.position_reason() == 0
        self._stop_latitude_cas = self.plane.latitude_cas if known else NONE
        self._stop_longitude_cas = self.plane.longitude_cas if known else NONE

    def _started(self, speed_ckmh):
        if abs(self._since_stop_mm) >= params.STARTED_DM * 100 and speed_ckmh > params.STOPPED_CKMH:
            return True
        brake = self.signal(codes.SIGNAL_BRAKE)
        if speed_ckmh > params.STARTED_CKMH and brake != NONE and not brake & 1:
            return True
        # The odometer is the better witness; without one, displacement counts from the last standing fix
        if self.signal(codes.SIGNAL_SPEED) != NONE or self._stop_latitude_cas == NONE or self.position_reason() != 0:
            return False
        if speed_ckmh <= params.STOPPED_CKMH:
            self._anchor()
            self._since_stop_mm = 0
            return False
        return self._displaced >= 2  # one fix may be bad

    def _displace(self):
        """Count the fixes in a row that lie 5 m or more from where ego stopped."""
        if not self.stopped or self._stop_latitude_cas == NONE:
            self._displaced = 0
            return
        north_dm = self.plane.north_dm(self._stop_latitude_cas)
        east_dm = self.plane.east_dm(self._stop_longitude_cas)
        far = north_dm == NONE or east_dm == NONE
        if far or north_dm * north_dm + east_dm * east_dm >= params.STARTED_DM * params.STARTED_DM:
            self._displaced += 1
        else:
            self._displaced = 0
