"""The way since the fix: heading, dead reckoning by the car's speed and yaw rate, and how far that can be wrong."""

from . import codes, params
from .geometry import HALF_TURN_CAS, TURN_CAS, Plane, cosine_q12, divided, longitude_difference_cas, root, sine_q12
from .message import SHIFT_REVERSE
from .params import NONE
from .signals import Signals

_LIMIT_MM = 250000  # of dead reckoning; times Q12 stays below 2^30
_STEP_MS = 10000
_OFFSET_CAS = 800  # some 250 m; times a scale times 25 stays below 2^30
PLACE_NEW, PLACE_SAME, PLACE_FROZEN = range(3)


class Reckoning(Signals):
    """Where ego has come to since its last fix, which is the origin of `plane`.

    `north_mm`, `east_mm`: the way since, and what is left of the way back to the fix: where the reckoned position
    was beside a new fix, it returns to it in RETURN_MS instead of leaping.
    """

    def __init__(self, settings):
        Signals.__init__(self, settings.timeouts_ms())
        self.plane = Plane()
        self.heading_cdeg = NONE  # vehicle axis: last course of forward motion at 3 km/h or more [D4], turned by yaw
        self.sine_q12 = self.cosine_q12 = 0  # of the heading, while it is known
        self.north_mm = 0
        self.east_mm = 0
        self._way_mm = 0  # length of the way since the fix, by the car's own speed
        self._doubt = 0  # mm x percent: what that way may be wrong by
        self._frozen = False
        self._still_ms = 0  # since the receiver told another position, and where the car has gone by its own speed
        self._still_north_mm = 0
        self._still_east_mm = 0
        self._told_latitude_cas = NONE  # by the receiver, of its antenna
        self._told_longitude_cas = NONE
        self._offset_north_mm = 0  # at the last fix; what is left of it decays
        self._offset_east_mm = 0
        self._return_ms = 0
        self._way_rest = 0
        self._turn_rest = 0
        self._north_rest = self._east_rest = 2048  # of the way, Q12
        self._drift_q5 = 0  # yaw rate of a standing car
        self._rest_ms = 0  # how long it has been standing
        self._signed = False  # the car tells its speed with a sign

    # Inputs

    def placed(self, latitude_cas, longitude_cas, standing):
        """The receiver has told a position: PLACE_NEW, PLACE_SAME where ego has moved on from it, or PLACE_FROZEN.

        `standing`: by the receiver, which may hold its position then; wheels may spin.
        """
        same = latitude_cas == self._told_latitude_cas and longitude_cas == self._told_longitude_cas
        self._told_latitude_cas = latitude_cas
        self._told_longitude_cas = longitude_cas
        at_rest = standing and not self._frozen and self.signal(codes.SIGNAL_SPEED) == 0  # so say both
        if not same or at_rest:
            self._still_ms = self._still_north_mm = self._still_east_mm = 0
            self._frozen = False
            return PLACE_NEW
        away_dm = max(abs(self._still_north_mm), abs(self._still_east_mm)) // 100
        limit_dm = params.FROZEN_STANDING_DM if standing else params.FROZEN_DM
        if self._frozen or (away_dm >= limit_dm and self._still_ms >= params.FROZEN_MS):
            self._frozen = True
            return PLACE_FROZEN
        return PLACE_SAME if away_dm >= params.LEFT_DM else PLACE_NEW

    def set_heading(self, heading_cdeg):
        """Take over a heading."""
        self.heading_cdeg = heading_cdeg
        self.sine_q12 = sine_q12(heading_cdeg)
        self.cosine_q12 = cosine_q12(heading_cdeg)

    def restart(self, latitude_cas, longitude_cas, ahead_dm, right_dm, way_mm, smooth):
        """Begin anew at a fix of the antenna, which sits so far ahead of the reported point and right of it.

        `way_mm`: what ego has gone since the receiver sampled; `smooth`: the position before was a reckoned one,
        which returns to the new one without a leap.
        """
        plane = self.plane
        if (ahead_dm or right_dm) and self.heading_cdeg != NONE:
            if not plane.known:
                plane.place(latitude_cas, longitude_cas)
            north_mm = (100 * (ahead_dm * self.cosine_q12 - right_dm * self.sine_q12) + 2048) >> 12
            east_mm = (100 * (ahead_dm * self.sine_q12 + right_dm * self.cosine_q12) + 2048) >> 12
            latitude_cas -= cas(north_mm, plane.north_q12)
            longitude_cas = _wrapped(longitude_cas - cas(east_mm, plane.east_q12))
        north_mm = self._offset(plane.latitude_cas - latitude_cas, plane.north_q12, self.north_mm)
        east_mm = self._offset(
            longitude_difference_cas(plane.longitude_cas, longitude_cas), plane.east_q12, self.east_mm
        )
        plane.place(latitude_cas, longitude_cas)
        self._return_ms = 0
        self.north_mm = self.east_mm = 0
        self.shift(way_mm)
        north_mm -= self.north_mm
        east_mm -= self.east_mm
        if smooth and params.RETURN_FROM_DM * 100 <= max(abs(north_mm), abs(east_mm)) <= params.RETURN_TO_DM * 100:
            self._return_ms = params.RETURN_MS
            self._offset_north_mm = north_mm
            self._offset_east_mm = east_mm
            self.north_mm += north_mm
            self.east_mm += east_mm
        self._way_mm = self._doubt = 0
        self._north_rest = self._east_rest = 2048

    def put(self, signal, value, status, source):
        """As `Signals.put`; a standing car's yaw rate is what its sensor tells without turning."""
        Signals.put(self, signal, value, status, source)
        if status != codes.STATUS_OK:
            return
        if signal == codes.SIGNAL_SPEED:
            self._signed = self._signed or value < 0
        elif signal == codes.SIGNAL_YAW_RATE and self._rest_ms >= params.YAW_DRIFT_MS:
            if abs(value) <= params.YAW_DRIFT_CDEGS:
                self._drift_q5 += value - (self._drift_q5 >> 5)

    # What is known now

    def yaw_rate_cdegs(self):
        """Yaw rate in 0.01 degrees/s, right positive, without the sensor's drift; NONE where none is fresh."""
        rate = self.signal(codes.SIGNAL_YAW_RATE)
        return NONE if rate == NONE else rate - (self._drift_q5 >> 5)

    def reversing(self):
        """True while the car's own speed says so by its sign, or, without one, the shift is known to be in reverse."""
        speed_ckmh = self.signal(codes.SIGNAL_SPEED)
        if self._signed and abs(speed_ckmh) >= params.BACKWARDS_CKMH and speed_ckmh != NONE:
            return speed_ckmh < 0
        return self.signal(codes.SIGNAL_SHIFT) == SHIFT_REVERSE

    def lost_way(self):
        """True once the way since the fix is too long to say where ego is."""
        return self._way_mm >= _LIMIT_MM

    def is_doubtful(self):
        """Whether there is anything that `with_doubt_dm` would add."""
        return self._doubt != 0 or self._return_ms != 0

    def doubt_dm(self):
        """How far the way since the fix may be wrong."""
        return self._doubt // 10000

    def with_doubt_dm(self, error_dm):
        """A fix's error, grown by the way since it and by what is left of the return to it."""
        if error_dm >= params.UNBOUNDED_ERROR_M * 10:
            return error_dm
        doubt_dm = self.doubt_dm()
        left_dm = _part(max(abs(self._offset_north_mm), abs(self._offset_east_mm)), self._return_ms) // 100
        return max(error_dm, root(error_dm * error_dm + doubt_dm * doubt_dm + left_dm * left_dm))

    def latitude_cas(self):
        """Latitude now, in wire units."""
        return self.plane.latitude_cas + cas(self.north_mm, self.plane.north_q12)

    def longitude_cas(self):
        """Longitude now, in wire units, -180 degrees up to below +180."""
        return _wrapped(self.plane.longitude_cas + cas(self.east_mm, self.plane.east_q12))

    # Inside

    def move(self, speed_ckmh, step_ms):
        """Go on for a step at a speed (NONE: not known); the way in mm, backwards negative."""
        step_ms = min(step_ms, _STEP_MS)
        self._return(step_ms)
        self._still_ms = min(self._still_ms + step_ms, _STEP_MS)
        own = self.signal(codes.SIGNAL_SPEED)
        self._rest_ms = min(self._rest_ms + step_ms, _STEP_MS) if own == 0 else 0
        if speed_ckmh <= 0:  # also NONE
            return 0
        if own != NONE:  # not on with a value that has become stale on the way
            step_ms = min(step_ms, self.fresh_ms(codes.SIGNAL_SPEED))
        # 0.01 km/h is 1/360 mm/ms; what a step leaves over is kept for the next
        way = speed_ckmh * step_ms + self._way_rest
        way_mm = way // 360
        self._way_rest = way - way_mm * 360
        turn_cdeg = self._turn(step_ms)
        north_mm, east_mm = self.north_mm, self.east_mm
        if own != NONE:
            percent = params.DOUBT_PERCENT if turn_cdeg == NONE else params.DOUBT_YAW_PERCENT
            self._way_mm = min(self._way_mm + way_mm, _LIMIT_MM)
            self._doubt = min(self._doubt + way_mm * percent, _LIMIT_MM * params.DOUBT_PERCENT)
        way_mm = -way_mm if self.reversing() else way_mm
        if turn_cdeg == NONE or turn_cdeg == 0 or self.heading_cdeg == NONE:
            self.shift(way_mm)
        else:  # along the middle of the arc
            heading_cdeg = self.heading_cdeg
            self.set_heading((heading_cdeg + turn_cdeg // 2) % 36000)
            self.shift(way_mm)
            self.set_heading((heading_cdeg + turn_cdeg) % 36000)
        if own != NONE:
            self._still_north_mm = _within(self._still_north_mm + self.north_mm - north_mm)
            self._still_east_mm = _within(self._still_east_mm + self.east_mm - east_mm)
        return way_mm

    def shift(self, way_mm):
        """Move along the heading, where it is known."""
        if self.heading_cdeg == NONE:
            return
        way_mm = _within(way_mm)
        north = way_mm * self.cosine_q12 + self._north_rest
        east = way_mm * self.sine_q12 + self._east_rest
        self._north_rest = north & 4095
        self._east_rest = east & 4095
        self.north_mm = _within(self.north_mm + (north >> 12))
        self.east_mm = _within(self.east_mm + (east >> 12))

    def turned_cdeg(self, time_ms):
        """What ego turns in such a time at its yaw rate now; 0 where that is not known."""
        rate = self.yaw_rate_cdegs()
        return 0 if rate == NONE else divided(rate * time_ms, 1000)

    def _turn(self, step_ms):
        rate = self.yaw_rate_cdegs()
        if rate == NONE:
            self._turn_rest = 0
            return NONE
        turn = rate * min(step_ms, self.fresh_ms(codes.SIGNAL_YAW_RATE)) + self._turn_rest
        turn_cdeg = turn // 1000
        self._turn_rest = turn - turn_cdeg * 1000
        return turn_cdeg

    def _return(self, step_ms):
        if self._return_ms == 0:
            return
        before_ms = self._return_ms
        self._return_ms = after_ms = max(before_ms - step_ms, 0)
        self.north_mm += _part(self._offset_north_mm, after_ms) - _part(self._offset_north_mm, before_ms)
        self.east_mm += _part(self._offset_east_mm, after_ms) - _part(self._offset_east_mm, before_ms)

    def _offset(self, difference_cas, scale_q12, way_mm):
        """Of the position before from a new fix, along one axis."""
        if not -_OFFSET_CAS <= difference_cas <= _OFFSET_CAS:
            return _LIMIT_MM
        return (difference_cas * scale_q12 * 25 + 512 >> 10) + way_mm


def cas(way_mm, scale_q12):
    """A way in mm as 0.01": mm * 4096 / (100 * scale), in a form below 2^30."""
    return divided(way_mm * 1024, 25 * scale_q12)


def _within(way_mm):
    return max(-_LIMIT_MM, min(way_mm, _LIMIT_MM))


def _part(offset_mm, left_ms):
    return divided(offset_mm * left_ms, params.RETURN_MS)


def _wrapped(longitude_cas):
    return (longitude_cas + HALF_TURN_CAS) % TURN_CAS - HALF_TURN_CAS
