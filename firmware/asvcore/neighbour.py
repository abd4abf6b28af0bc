"""One vehicle around, as it was last received: what it told, what can be used of it, what follows it."""

from . import codec, params
from .elements import AVAILABLE_ALL, AVAILABLE_MANDATORY, NODE_DISTANCE_FAR
from .gates import FUNCTIONS
from .geometry import cosine_q12, sine_q12
from .kinds import class_error_dm, kind_length_dm
from .params import NEVER_MS, NONE
from .wire import latitude_at, longitude_at, readable, update_period_ms

FIRST_DM = 1 << 15  # by which an emergency vehicle in action comes before the nearest and fastest others


def remote_dm(range_dm, speed_kmh):
    """How little a vehicle matters when not all can be followed: its range, less the way it can come in 4 s."""
    return range_dm - max(speed_kmh, 0) * params.COMING_DM_A_KMH


class Neighbour:
    """What is known of one vehicle, as received; ways and times in the units of the names.

    `usable`: position, speed and direction can be used. `frozen`: it moves, but tells the same position for too long.
    `supports[function]`: index of the support that follows it, or -1; `reasons[function]`: what was last judged,
    and `told[function]`: what was last reported of it.
    """

    def __init__(self, index):
        self.index = index
        self.supports = [-1] * FUNCTIONS
        self.reasons = [0] * FUNCTIONS
        self.told = [0] * FUNCTIONS
        self.clear()

    def clear(self):
        """Make the slot that of nobody."""
        self.key = -1
        self.source = NONE
        self.vehicle_id = NONE
        self.counter = NONE
        self.speed_code = self.direction_code = NONE  # as sent: a repeated message is known by these
        self.latitude_code = self.longitude_code = self.revision_code = NONE
        self.received_ms = NEVER_MS
        self.usable = False
        self.latitude_cas = NONE
        self.longitude_cas = NONE
        self.error_dm = NONE
        self.speed_kmh = NONE
        self.direction_deg = NONE
        self.sine_q12 = self.cosine_q12 = 0  # of the direction, while it is known
        self._turned_code = NONE  # the direction that they are of
        self.delay_ms = 0  # age of the position when it was received
        self.emergency = 0
        self.range_dm = params.RANGE_DM
        self.kind = NONE
        self.length_code = 0
        self.node_latitude_cas = NONE  # the nearest branching node ahead of it, by its own map
        self.node_longitude_cas = NONE
        self.node_distance_dm = NONE
        self.changed_ms = NEVER_MS  # since when the position has been the one it is
        self.frozen = False
        self.blind = False  # it no longer tells where it is, and the position is the last one it told
        self.clock_told = False
        self.twin_told = False
        for function in range(FUNCTIONS):
            self.supports[function] = -1
            self.reasons[function] = 0
            self.told[function] = 0

    def followed(self):
        """True while any support follows this vehicle."""
        for function in range(FUNCTIONS):
            if self.supports[function] >= 0:
                return True
        return False

    def timed(self):
        """True while a support that has a rule of timing follows it: crossing, right turn, left turn."""
        supports = self.supports
        return supports[1] >= 0 or supports[2] >= 0 or supports[3] >= 0

    def remoteness_dm(self):
        """How little it matters: see `remote_dm`; of emergency vehicles less than of any other."""
        remoteness_dm = remote_dm(self.range_dm, self.speed_kmh)
        return remoteness_dm - FIRST_DM if self.emergency else remoteness_dm

    def age_ms(self, now_ms):
        """How old its last position is; of a frozen one, since it was new."""
        age_ms = now_ms - self.received_ms
        return age_ms + self.delay_ms if self.frozen else age_ms

    @property
    def length_dm(self):
        """Its length as sent, else by its kind."""
        return self.length_code * 20 if self.length_code else kind_length_dm(self.kind)

    def repeats(self, raw):
        """True if a message with the last one's counter tells nothing new."""
        return (
            self.speed_code == raw[codec.SPEED]
            and self.direction_code == raw[codec.DIRECTION]
            and self.latitude_code == raw[codec.LATITUDINAL_SECOND]
            and self.longitude_code == raw[codec.LONGITUDINAL_SECOND]
            and self.revision_code == raw[codec.REVISION_COUNTER]
        )

    def take(self, raw):
        """Take over a decoded message."""
        self.counter = raw[codec.INCREMENT_COUNTER]
        self.emergency = raw[codec.EMERGENCY_ATTENTION]
        blind = self.usable and self.timed() and not readable(raw)
        if blind:  # support goes on as if it were lost, from where it was last [D15]
            self.blind = self.frozen = True
            self.delay_ms = min(self.received_ms - self.changed_ms, params.LOST_LIMIT_MS)
            return
        self.blind = False
        self.speed_code = raw[codec.SPEED]
        self.direction_code = raw[codec.DIRECTION]
        self.latitude_code = raw[codec.LATITUDINAL_SECOND]
        self.longitude_code = raw[codec.LONGITUDINAL_SECOND]
        self.revision_code = raw[codec.REVISION_COUNTER]
        self.kind = raw[codec.VEHICLE_CLASSIFICATION]
        self.length_code = raw[codec.VEHICLE_LENGTH]
        latitude_before_cas, longitude_before_cas = self.latitude_cas, self.longitude_cas
        self.latitude_cas = NONE
        self.longitude_cas = NONE
        self.error_dm = NONE
        self.delay_ms = 0
        available = raw[codec.POSITION_AVAILABILITY]
        if available == AVAILABLE_ALL or available == AVAILABLE_MANDATORY:
            self._take_position(raw, available == AVAILABLE_ALL)
        available = raw[codec.SENSOR_AVAILABILITY]
        self.speed_kmh = NONE
        self.direction_deg = NONE
        if available == AVAILABLE_ALL or available == AVAILABLE_MANDATORY:
            self.speed_kmh = raw[codec.SPEED]
            if raw[codec.DIRECTION] < 360:  # 360 and above read as undefined [D4]
                self.direction_deg = raw[codec.DIRECTION]
                if self.direction_deg != self._turned_code:
                    self._turned_code = self.direction_deg
                    self.sine_q12 = sine_q12(self.direction_deg * 100)
                    self.cosine_q12 = cosine_q12(self.direction_deg * 100)
        self.usable = self.latitude_cas != NONE and self.direction_deg != NONE
        if self.latitude_cas != latitude_before_cas or self.longitude_cas != longitude_before_cas:
            self.changed_ms = self.received_ms - self.delay_ms
            self.frozen = False
        else:
            self._same_position(raw, raw[codec.POSITION_AVAILABILITY] == AVAILABLE_ALL)
        self.node_latitude_cas = NONE
        if raw[codec.INTERSECTION_INFORMATION_AVAILABILITY] == AVAILABLE_ALL:
            self._take_node(raw)

    def _same_position(self, raw, optionals):
        # "Interpolated or unknown" while it does not change is as old as it has been the same, 1 s at most [D6, D17]
        same_ms = self.received_ms - self.changed_ms
        if self.latitude_cas == NONE or self.speed_kmh == NONE:
            self.frozen = False
            return
        period_ms = update_period_ms(raw) if optionals else 0
        self.frozen = self.speed_kmh >= params.FROZEN_KMH and same_ms > max(params.FROZEN_MS, 3 * period_ms)
        if self.frozen:
            self.delay_ms = min(same_ms, params.LOST_LIMIT_MS)
        elif not optionals or not 1 <= raw[codec.REVISION_COUNTER] <= params.REVISIONS:
            self.delay_ms = min(same_ms, params.PREDICTION_MS)

    def _take_node(self, raw):
        latitude_cas = latitude_at(raw, codec.INTERSECTION_LATITUDINAL_DEGREE)
        longitude_cas = longitude_at(raw, codec.INTERSECTION_LONGITUDINAL_DEGREE)
        distance_m = raw[codec.NEAREST_INTERSECTION_DISTANCE]
        if latitude_cas == NONE or longitude_cas == NONE or distance_m > NODE_DISTANCE_FAR:
            return
        self.node_latitude_cas = latitude_cas
        self.node_longitude_cas = longitude_cas
        self.node_distance_dm = distance_m * 10

    def _take_position(self, raw, optionals):
        latitude_cas = latitude_at(raw, codec.LATITUDINAL_DEGREE)
        longitude_cas = longitude_at(raw, codec.LONGITUDINAL_DEGREE)
        if latitude_cas == NONE or longitude_cas == NONE:
            return
        self.latitude_cas = latitude_cas
        self.longitude_cas = longitude_cas
        error_m = raw[codec.HORIZONTAL_ERROR_RANGE] if optionals else 0
        self.error_dm = error_m * 10 if error_m else class_error_dm(raw[codec.CLASS_INFORMATION])
        if optionals and 1 <= raw[codec.REVISION_COUNTER] <= params.REVISIONS:
            self.delay_ms = (raw[codec.REVISION_COUNTER] - 1) * params.TRANSMISSION_INTERVAL_MS
