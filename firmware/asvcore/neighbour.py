"""One vehicle around, as it was last received: what it told, what can be used of it, what follows it.

A neighbour is a row: a list of WIDTH integers whose cells have the names below, for a quarter of an instance's
memory. What another system says (externals.py) is a row too, whose cells up to DELAY_MS mean the same.
"""

from . import codec, params
from .geometry import cosine_q12, sine_q12
from .kinds import class_error_dm, kind_length_dm
from .message import AVAILABLE_ALL, AVAILABLE_MANDATORY, NODE_DISTANCE_FAR
from .params import NEVER_MS, NONE
from .wire import latitude_at, longitude_at, readable, update_period_ms

TWIN = 1 << 29  # in the key of a second vehicle that sends with the same address and id

# Cells. 1..5, by FUNCTION_ code: (number of the support that follows it + 1, 0: none) << 16
# | REASON_ that was last judged << 8 | REASON_ that was last reported
KEY = 0  # source << 14 | vehicle_id, with TWIN or without; an external's source, below 0; NONE: nobody's
FLAGS = 6
RECEIVED_MS = 7
DELAY_MS = 8  # age of the position when it was received
PLACE = 9  # in the table
PLACE_CODES = 10  # as sent, by which a repeated message is known: seconds of latitude << 13 | of longitude
MOTION_CODES = 11  # likewise: counter << 21 | speed << 13 | direction << 4 | revision; NONE before the first message
CHANGED_MS = 12  # since when the position has been the one it is
LATITUDE_CAS = 13
LONGITUDE_CAS = 14
ERROR_DM = 15
SPEED_KMH = 16
DIRECTION_DEG = 17
SINE_Q12 = 18  # of the direction, while it is known
COSINE_Q12 = 19
RANGE_DM = 20
NODE_LATITUDE_CAS = 21  # the nearest branching node ahead of it, by its own map
NODE_LONGITUDE_CAS = 22
FURTHER = 23  # distance of that node in m << 17 | length code << 12 | kind
WIDTH = 24

# In FLAGS
USABLE = 1  # position, speed and direction can be used
FROZEN = 2  # it moves, but tells the same position for too long; of an external: it is expected at an interval
BLIND = 4  # it no longer tells where it is, and the position is the last one it told
EMERGENCY = 8
CLOCK_TOLD = 16
TWIN_TOLD = 32
_OF_POSITION = USABLE | FROZEN | BLIND

_COUNTER_SHIFT = 21
_MOTION_MASK = (1 << _COUNTER_SHIFT) - 1

# In the cell of a function
FOLLOWED = 1 << 16  # from here on a support follows it
SUPPORT_SHIFT = 16
NOT_FOLLOWED = FOLLOWED - 1
REASON_MASK = 0xFF00
REASON_SHIFT = 8
TOLD_MASK = 0xFF

FIRST_DM = 1 << 15  # by which an emergency vehicle in action comes before the nearest and fastest others


def remote_dm(range_dm, speed_kmh):
    """How little a vehicle matters when not all can be followed: its range, less the way it can come in 4 s."""
    return range_dm - max(speed_kmh, 0) * params.COMING_DM_A_KMH


def clear(neighbour):
    """Make the row that of nobody."""
    neighbour[KEY] = NONE
    for cell in range(1, DELAY_MS + 1):
        neighbour[cell] = 0
    for cell in range(PLACE_CODES, WIDTH):
        neighbour[cell] = NONE
    neighbour[RECEIVED_MS] = neighbour[CHANGED_MS] = NEVER_MS
    neighbour[SINE_Q12] = neighbour[COSINE_Q12] = 0
    neighbour[RANGE_DM] = params.RANGE_DM
    neighbour[FURTHER] = 0


def source_of(neighbour):
    """The sender's small integer, of an external its own; NONE: nobody."""
    key = neighbour[KEY]
    return (key & ~TWIN) >> 14 if key >= 0 else key


def vehicle_id_of(neighbour):
    """The vehicle_id that it sends; NONE of an external or nobody."""
    key = neighbour[KEY]
    return key & 0x3FFF if key >= 0 else NONE


def support_of(neighbour, function):
    """Number in the pool of the support of a function that follows it, or -1."""
    return (neighbour[function] >> SUPPORT_SHIFT) - 1


def reason_of(neighbour, function):
    """What was last judged of it by a function."""
    return (neighbour[function] & REASON_MASK) >> REASON_SHIFT


def followed(neighbour):
    """True while any support follows this vehicle."""
    return (neighbour[1] | neighbour[2] | neighbour[3] | neighbour[4] | neighbour[5]) >= FOLLOWED


def timed(neighbour):
    """True while a support that has a rule of timing follows it: crossing, right turn, left turn."""
    return (neighbour[1] | neighbour[2] | neighbour[3]) >= FOLLOWED


def remoteness_dm(neighbour):
    """How little it matters: see `remote_dm`; of emergency vehicles less than of any other."""
    remoteness = remote_dm(neighbour[RANGE_DM], neighbour[SPEED_KMH])
    return remoteness - FIRST_DM if neighbour[FLAGS] & EMERGENCY else remoteness


def age_ms(neighbour, now_ms):
    """How old its last position is; of a frozen one, since it was new; of an external, since it was due again."""
    age = now_ms - neighbour[RECEIVED_MS]
    return max(age + neighbour[DELAY_MS], 0) if neighbour[FLAGS] & FROZEN else age


def kind_of(neighbour):
    """Its kind as sent."""
    return neighbour[FURTHER] & 0xFFF


def length_dm(neighbour):
    """Its length as sent, else by its kind."""
    code = neighbour[FURTHER] >> 12 & 0x1F
    return code * 20 if code else kind_length_dm(kind_of(neighbour))


def node_distance_dm(neighbour):
    """How far away it says the node ahead is."""
    return (neighbour[FURTHER] >> 17) * 10


def counter_of(neighbour):
    """The counter of its last message."""
    return neighbour[MOTION_CODES] >> _COUNTER_SHIFT


def direction_code(neighbour):
    """Its direction as it was sent."""
    return neighbour[MOTION_CODES] >> 4 & 0x1FF


def repeats(neighbour, raw):
    """True if a message with the last one's counter tells nothing new."""
    return neighbour[MOTION_CODES] & _MOTION_MASK == _motion(raw) and neighbour[PLACE_CODES] == _place(raw)


def take(neighbour, raw):
    """Take over a decoded message."""
    flags = neighbour[FLAGS] & ~EMERGENCY
    if raw[codec.EMERGENCY_ATTENTION]:
        flags |= EMERGENCY
    if flags & USABLE and timed(neighbour) and not readable(raw):
        # Support goes on as if it were lost, from where it was last [D15]
        motion = neighbour[MOTION_CODES] & _MOTION_MASK
        neighbour[MOTION_CODES] = raw[codec.INCREMENT_COUNTER] << _COUNTER_SHIFT | motion
        neighbour[FLAGS] = flags | BLIND | FROZEN
        neighbour[DELAY_MS] = min(neighbour[RECEIVED_MS] - neighbour[CHANGED_MS], params.LOST_LIMIT_MS)
        return
    flags &= ~_OF_POSITION
    neighbour[MOTION_CODES] = raw[codec.INCREMENT_COUNTER] << _COUNTER_SHIFT | _motion(raw)
    neighbour[PLACE_CODES] = _place(raw)
    neighbour[FURTHER] = raw[codec.VEHICLE_LENGTH] << 12 | raw[codec.VEHICLE_CLASSIFICATION]
    latitude_before_cas, longitude_before_cas = neighbour[LATITUDE_CAS], neighbour[LONGITUDE_CAS]
    neighbour[LATITUDE_CAS] = neighbour[LONGITUDE_CAS] = neighbour[ERROR_DM] = NONE
    neighbour[DELAY_MS] = 0
    available = raw[codec.POSITION_AVAILABILITY]
    optionals = available == AVAILABLE_ALL
    if optionals or available == AVAILABLE_MANDATORY:
        _take_position(neighbour, raw, optionals)
    available = raw[codec.SENSOR_AVAILABILITY]
    if available == AVAILABLE_ALL or available == AVAILABLE_MANDATORY:
        neighbour[SPEED_KMH] = raw[codec.SPEED]
        if raw[codec.DIRECTION] != neighbour[DIRECTION_DEG]:
            _take_direction(neighbour, raw[codec.DIRECTION])
    else:
        neighbour[SPEED_KMH] = neighbour[DIRECTION_DEG] = NONE
    latitude_cas = neighbour[LATITUDE_CAS]
    if latitude_cas != NONE and neighbour[DIRECTION_DEG] != NONE:
        flags |= USABLE
    if latitude_cas != latitude_before_cas or neighbour[LONGITUDE_CAS] != longitude_before_cas:
        neighbour[CHANGED_MS] = neighbour[RECEIVED_MS] - neighbour[DELAY_MS]
    elif latitude_cas != NONE and neighbour[SPEED_KMH] != NONE and _same_position(neighbour, raw, optionals):
        flags |= FROZEN
    neighbour[FLAGS] = flags
    neighbour[NODE_LATITUDE_CAS] = NONE
    if raw[codec.INTERSECTION_INFORMATION_AVAILABILITY] == AVAILABLE_ALL:
        _take_node(neighbour, raw)


def _motion(raw):
    """MOTION_CODES of a message, without its counter."""
    return raw[codec.SPEED] << 13 | raw[codec.DIRECTION] << 4 | raw[codec.REVISION_COUNTER]


def _place(raw):
    """PLACE_CODES of a message."""
    return raw[codec.LATITUDINAL_SECOND] << 13 | raw[codec.LONGITUDINAL_SECOND]


def _take_direction(neighbour, direction_deg):
    if direction_deg >= 360:  # read as undefined [D4]
        neighbour[DIRECTION_DEG] = NONE
    else:
        neighbour[DIRECTION_DEG] = direction_deg
        neighbour[SINE_Q12] = sine_q12(direction_deg * 100)
        neighbour[COSINE_Q12] = cosine_q12(direction_deg * 100)


def _same_position(neighbour, raw, optionals):
    """True if the position is frozen; sets its age."""
    # "Interpolated or unknown" while it does not change is as old as it has been the same, 1 s at most [D6, D17]
    same_ms = neighbour[RECEIVED_MS] - neighbour[CHANGED_MS]
    period_ms = update_period_ms(raw) if optionals else 0
    if neighbour[SPEED_KMH] >= params.FROZEN_KMH and same_ms > max(params.FROZEN_MS, 3 * period_ms):
        neighbour[DELAY_MS] = min(same_ms, params.LOST_LIMIT_MS)
        return True
    if not optionals or not 1 <= raw[codec.REVISION_COUNTER] <= params.REVISIONS:
        neighbour[DELAY_MS] = min(same_ms, params.PREDICTION_MS)
    return False


def _take_node(neighbour, raw):
    latitude_cas = latitude_at(raw, codec.INTERSECTION_LATITUDINAL_DEGREE)
    longitude_cas = longitude_at(raw, codec.INTERSECTION_LONGITUDINAL_DEGREE)
    distance_m = raw[codec.NEAREST_INTERSECTION_DISTANCE]
    if latitude_cas == NONE or longitude_cas == NONE or distance_m > NODE_DISTANCE_FAR:
        return
    neighbour[NODE_LATITUDE_CAS] = latitude_cas
    neighbour[NODE_LONGITUDE_CAS] = longitude_cas
    neighbour[FURTHER] |= distance_m << 17


def _take_position(neighbour, raw, optionals):
    latitude_cas = latitude_at(raw, codec.LATITUDINAL_DEGREE)
    longitude_cas = longitude_at(raw, codec.LONGITUDINAL_DEGREE)
    if latitude_cas == NONE or longitude_cas == NONE:
        return
    neighbour[LATITUDE_CAS] = latitude_cas
    neighbour[LONGITUDE_CAS] = longitude_cas
    error_m = raw[codec.HORIZONTAL_ERROR_RANGE] if optionals else 0
    neighbour[ERROR_DM] = error_m * 10 if error_m else class_error_dm(raw[codec.CLASS_INFORMATION])
    revision = raw[codec.REVISION_COUNTER]
    if optionals and 1 <= revision <= params.REVISIONS:
        neighbour[DELAY_MS] = (revision - 1) * params.TRANSMISSION_INTERVAL_MS
