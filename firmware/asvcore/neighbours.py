"""The vehicles around: a table of fixed capacity, keyed by (source, vehicle_id).

A vehicle_id may equal another vehicle's or one's own [G appendix 1 (3)], so the sender's address, as a
small integer, belongs to the identity. Nothing is allocated after the table is made: slots are reused
through a free list, and the hash is open addressing over an array.
"""

from array import array

from . import codec, params
from .elements import AVAILABLE_ALL, AVAILABLE_MANDATORY, NODE_DISTANCE_FAR
from .gates import FUNCTIONS
from .geometry import cosine_q12, sine_q12
from .kinds import class_error_dm, kind_length_dm
from .params import NEVER_MS, NONE
from .wire import latitude_at, longitude_at, readable, update_period_ms

_WINDOW = 32  # slots that are looked at for one to give way
SOURCE_LIMIT = 1 << 15  # sources are small integers below this: key = source << 14 | vehicle_id < 2^29
TWIN = 1 << 29  # in the key of a second vehicle that sends with the same address and id
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


class Neighbours:
    """The table. `get` and `add` by key; `used[0:count]` are the slots in use."""

    def __init__(self, capacity):
        self.capacity = capacity
        self._slots = [Neighbour(index) for index in range(capacity)]
        self.used = [self._slots[index] for index in range(capacity)]  # in use first, free after
        self.count = 0
        self.twins = 0  # of them, second vehicles of one address and id
        self._window = self._asked = 0
        self._least = None
        self._least_key = NONE
        self._place = array("h", [index for index in range(capacity)])  # slot index -> index in `used`
        size = 16
        while size < 2 * capacity:
            size *= 2
        self._mask = size - 1
        self._hash = array("h", [-1] * size)

    def _home(self, key):
        return ((key & 0x3FFF) * 31 + (key >> 14) * 7919) & self._mask  # below 2^29

    def get(self, key):
        """The neighbour of a key, or None."""
        mask = self._mask
        table = self._hash
        at = ((key & 0x3FFF) * 31 + (key >> 14) * 7919) & mask
        while True:
            index = table[at]
            if index < 0:
                return None
            neighbour = self._slots[index]
            if neighbour.key == key:
                return neighbour
            at = (at + 1) & mask

    def add(self, key):
        """A cleared neighbour for a new key, or None when the table is full."""
        if self.count == self.capacity:
            return None
        neighbour = self.used[self.count]
        self.count += 1
        if key & TWIN:
            self.twins += 1
        neighbour.clear()
        neighbour.key = key
        at = self._home(key)
        while self._hash[at] >= 0:
            at = (at + 1) & self._mask
        self._hash[at] = neighbour.index
        return neighbour

    def remove(self, neighbour):
        """Give a slot back."""
        self._unhash(neighbour.key)
        if neighbour.key & TWIN:
            self.twins -= 1
        neighbour.key = -1
        self.count -= 1
        last = self.used[self.count]
        at = self._place[neighbour.index]
        self.used[at] = last
        self.used[self.count] = neighbour
        self._place[last.index] = at
        self._place[neighbour.index] = self.count

    def _unhash(self, key):
        # Backward shift: what follows in the run moves up, so no tombstones gather
        mask, table = self._mask, self._hash
        at = self._home(key)
        while self._slots[table[at]].key != key:
            at = (at + 1) & mask
        hole = at
        while True:
            at = (at + 1) & mask
            index = table[at]
            if index < 0:
                break
            home = self._home(self._slots[index].key)
            if ((at - home) & mask) >= ((at - hole) & mask):
                table[hole] = index
                hole = at
        table[hole] = -1

    def least(self):
        """One of the least relevant neighbours that no support follows, or None.

        The least of 32, looked for again after as many calls: neither a whole scan nor one at each frame of a flood.
        """
        least = self._least
        self._asked = (self._asked + 1) % _WINDOW
        if least is None or self._asked == 0 or least.key != self._least_key or least.followed():
            least = self._least = self._look_for_least()
            self._least_key = NONE if least is None else least.key
        return least

    def _look_for_least(self):
        best, best_dm = None, 0
        for _ in range(min(_WINDOW, self.count)):
            self._window = (self._window + 1) % self.count
            neighbour = self.used[self._window]
            remoteness_dm = neighbour.remoteness_dm()
            if (best is None or remoteness_dm > best_dm) and not neighbour.followed():
                best, best_dm = neighbour, remoteness_dm
        return best

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for at in range(self.count):
            neighbour = self.used[at]
            neighbour.received_ms = max(neighbour.received_ms - offset_ms, NEVER_MS)
            neighbour.changed_ms = max(neighbour.changed_ms - offset_ms, NEVER_MS)
