"""The own message, every 100 ms: ego's state in the wire's codes [G appendix 1, D2-D9]."""

from . import codec, codes, message, params
from .geometry import divided
from .params import NONE

_POSITION = range(codec.POSITION_AVAILABILITY, codec.REVISION_COUNTER + 1)
_STATE = range(codec.SENSOR_AVAILABILITY, codec.ACCELERATION_PEDAL_ANGLE + 1)
_INTERSECTION = range(codec.INTERSECTION_INFORMATION_AVAILABILITY, codec.NEAREST_INTERSECTION_DISTANCE + 1)
_LARGE_KINDS = (0, 1)  # large bus, large truck: the auxiliary brake is theirs
_IN_ACTION = 1  # of the emergency signal
_RECENT = 10  # own frames kept, a second of them, to know them again


class Transmitter:
    """Fills `raw` and `frame` (the 100 bytes) from ego.

    Ordinary units send 0 in elements 42 and 43; 42 is 1 where `emergency_send` allows it, which is for units alone
    whose radio signs what it sends [G appendix 1 (42)].
    """

    def __init__(self, settings, vehicle_id):
        self._settings = settings
        self.vehicle_id = vehicle_id
        self.counter = 0
        self.raw = codec.new_raw()
        self._recent = [bytearray(message.MESSAGE_BYTES) for _ in range(_RECENT)]
        self._newest = 0
        self.frame = self._recent[0]
        self.position_reason = 0
        self.state_reason = 0
        raw = self.raw
        raw[codec.ADMINISTRATION_DATA] = message.VERSION
        raw[codec.VEHICLE_ID] = vehicle_id
        raw[codec.CLASS_INFORMATION] = settings.position_class
        raw[codec.VEHICLE_CLASSIFICATION] = settings.vehicle_kind
        # Rounded up, in 2 m; 62 m is the longest that can be coded [D5]
        raw[codec.VEHICLE_LENGTH] = min((settings.vehicle_length_dm + 19) // 20, 31)

    def make(self, ego):
        """Encode the next frame into `frame`; ego has been advanced to its time."""
        raw = self.raw
        raw[codec.INCREMENT_COUNTER] = self.counter
        self.position_reason = self._position(ego)
        self.state_reason = self._state(ego)
        self._intersection(ego)
        raw[codec.EMERGENCY_ATTENTION] = 1 if self._in_action(ego) else 0
        self._newest = (self._newest + 1) % _RECENT
        self.frame = self._recent[self._newest]
        codec.encode_into(raw, self.frame)
        self.counter = (self.counter + 1) & 0xFF
        if ego.revision_frames <= params.REVISIONS:
            ego.revision_frames += 1

    def _in_action(self, ego):
        """Whether this is an emergency vehicle in action: a switch that is not known is off."""
        send = self._settings.emergency_send
        if send == codes.ACTION_SIGNAL:
            return ego.signal(codes.SIGNAL_EMERGENCY) == _IN_ACTION
        return send == codes.ACTION_ALWAYS

    def _intersection(self, ego):
        """The node ahead; 01, cannot be set, and zeros where the map tells none [G appendix 1 (32)-(40)]."""
        raw = self.raw
        node = ego.node
        for index in _INTERSECTION:
            raw[index] = 0
        if self.position_reason != 0 or not node.known(ego.now_ms):
            raw[codec.INTERSECTION_INFORMATION_AVAILABILITY] = message.AVAILABLE_MANDATORY
            return
        if not _codable(node.latitude_cas) or not _codable(node.longitude_cas):
            raw[codec.INTERSECTION_INFORMATION_AVAILABILITY] = message.AVAILABLE_MANDATORY
            return
        raw[codec.INTERSECTION_INFORMATION_AVAILABILITY] = message.AVAILABLE_ALL
        _put_angle(raw, codec.INTERSECTION_LATITUDINAL_DEGREE, node.latitude_cas)
        _put_angle(raw, codec.INTERSECTION_LONGITUDINAL_DEGREE, node.longitude_cas)
        raw[codec.INFORMATION_OF_NEAREST_INTERSECTION_DISTANCE] = message.NODE_FROM_MAP
        raw[codec.NEAREST_INTERSECTION_DISTANCE] = message.NO_NODE_DISTANCE
        if node.distance_dm != NONE:
            distance_m = divided(node.distance_dm, 10)
            far = distance_m >= message.NODE_DISTANCE_FAR - 1
            raw[codec.NEAREST_INTERSECTION_DISTANCE] = message.NODE_DISTANCE_FAR if far else distance_m

    def is_own(self, buffer):
        """True for one of the last own frames, heard back."""
        for index in range(_RECENT):
            if self._recent[index] == buffer:
                return True
        return False

    def _position(self, ego):
        raw = self.raw
        reason = ego.position_reason()
        moved = ego.dead_reckoned()
        latitude_cas = ego.latitude_cas() if moved else ego.plane.latitude_cas
        longitude_cas = ego.longitude_cas() if moved else ego.plane.longitude_cas
        if reason == 0 and (not _codable(latitude_cas) or not _codable(longitude_cas)):
            reason = codes.REASON_NOT_CODABLE
        for index in _POSITION:
            raw[index] = 0
        raw[codec.UTC_HOUR] = raw[codec.UTC_MINUTE] = raw[codec.UTC_SECOND] = 0
        if reason != 0:
            return reason
        raw[codec.POSITION_AVAILABILITY] = message.AVAILABLE_ALL
        _put_angle(raw, codec.LATITUDINAL_DEGREE, latitude_cas)
        _put_angle(raw, codec.LONGITUDINAL_DEGREE, longitude_cas)
        raw[codec.HORIZONTAL_ERROR_RANGE] = _error_code(ego.told_error_dm(), 10)
        raw[codec.VERTICAL_ERROR_RANGE] = _error_code(ego.vertical_error_m, 1)
        raw[codec.HEIGHT] = message.NO_HEIGHT
        if ego.height_m != NONE:
            raw[codec.HEIGHT] = max(0, min(ego.height_m + 8192, message.NO_HEIGHT - 1))
        raw[codec.POSITION_DELAY] = message.NO_POSITION_DELAY
        if ego.period_ms > 0:
            raw[codec.POSITION_DELAY] = max(1, min(divided(ego.period_ms, 100), params.POSITION_DELAY_MAX))
        # Frames with this same fix; 0 when it is moved on or older than the counter tells [D6]
        if not moved and ego.revision_frames < params.REVISIONS:
            raw[codec.REVISION_COUNTER] = ego.revision_frames + 1
        if ego.fix_tod_ms != NONE:
            age_ms = ego.now_ms - ego.fix_ms if moved else 0
            second = (ego.fix_tod_ms + age_ms + params.JST_OFFSET_MS) % params.DAY_MS // 1000
            raw[codec.UTC_HOUR] = second // 3600
            raw[codec.UTC_MINUTE] = second // 60 % 60
            raw[codec.UTC_SECOND] = second % 60
        return 0

    def _state(self, ego):
        raw = self.raw
        for index in _STATE:
            raw[index] = 0
        speed_ckmh = ego.speed_ckmh()
        if speed_ckmh == NONE:
            return codes.REASON_EGO_SPEED_UNKNOWN
        raw[codec.SENSOR_AVAILABILITY] = message.AVAILABLE_ALL
        raw[codec.SPEED] = min(divided(speed_ckmh, 100), 255)
        direction_cdeg = ego.direction_cdeg()
        raw[codec.DIRECTION] = message.NO_DIRECTION if direction_cdeg == NONE else divided(direction_cdeg, 100) % 360
        acceleration = ego.signal(codes.SIGNAL_ACCELERATION)  # cm/s2; 0.25 m/s2 a count, offset 0x20
        raw[codec.FORWARD_ACCELERATION] = message.NO_ACCELERATION
        if acceleration != NONE:
            raw[codec.FORWARD_ACCELERATION] = max(0, min(divided(acceleration, 25) + 32, 62))
        raw[codec.SHIFT_POSITION] = max(ego.signal(codes.SIGNAL_SHIFT), 0)
        brake = max(ego.signal(codes.SIGNAL_BRAKE), 0)
        if self._settings.vehicle_kind not in _LARGE_KINDS:
            brake &= 5
        raw[codec.BRAKE] = brake
        raw[codec.WINKER] = max(ego.signal(codes.SIGNAL_WINKER), 0)
        raw[codec.HAZARD] = max(ego.signal(codes.SIGNAL_HAZARD), 0)
        pedal = ego.signal(codes.SIGNAL_ACCELERATOR)
        raw[codec.ACCELERATION_PEDAL_ANGLE] = message.NO_PEDAL if pedal == NONE else pedal
        return codes.REASON_HEADING_UNKNOWN if direction_cdeg == NONE else 0


def temporary_id(seed):
    """vehicle_id of an ignition: 14 random bits from the seed [G 3.7.2(d)]."""
    state = (seed ^ 0x2545F491) & 0x1FFFFFFF or 1
    for _ in range(8):
        state ^= (state << 13) & 0x1FFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0x1FFFFFFF
    return (state >> 9) & 0x3FFF


def _codable(angle_cas):
    # The sign stands on the degrees: -0 degrees cannot be told from 0 [D2]
    return not -360000 < angle_cas < 0


def _put_angle(raw, index, angle_cas):
    size_cas = abs(angle_cas)
    degree = size_cas // 360000
    raw[index] = degree if angle_cas >= 0 else -degree
    raw[index + 1] = size_cas // 6000 % 60
    raw[index + 2] = size_cas % 6000


def _error_code(error, unit):
    if error == NONE:
        return 0
    return max(1, divided(min(error, params.UNBOUNDED_ERROR_M * unit), unit))
