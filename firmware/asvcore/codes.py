"""Codes of the core's records. Words for them are made outside from these names (`asvunit.words`).

A group is the names that share a prefix; values are part of the journal and event contracts: append only.
"""

# Kinds of command records (see commands.py for their fields)
COMMAND_SEND = 1
COMMAND_SUPPORT = 2
COMMAND_HMI = 3
COMMAND_STATUS = 4
COMMAND_DROP = 5
COMMAND_NEIGHBOUR = 6
COMMAND_SYSTEM = 7
COMMAND_SIGNAL = 8

FUNCTION_NONE = 0
FUNCTION_CROSSING = 1
FUNCTION_RIGHT_TURN = 2
FUNCTION_LEFT_TURN = 3
FUNCTION_SURROUNDING = 4
FUNCTION_EMERGENCY = 5

LEVEL_NONE = 0
LEVEL_INFORMATION = 1
LEVEL_CAUTION = 2
LEVEL_WARNING = 3  # not given between vehicles; for the tables of light and sound [G table 2-6]

COLOUR_NONE = 0
COLOUR_BLUE = 1  # information: neither red nor yellow [G appendix 2]
COLOUR_YELLOW = 2
COLOUR_RED = 3
COLOUR_GREEN = 4  # of the unit itself: on, receiving
COLOUR_VIOLET = 5  # and its fault: red and yellow are the levels'

SOUND_NONE = 0
SOUND_CAUTION = 1
SOUND_INFORMATION = 2
SOUND_WARNING = 3

LIGHT_OFF = 0
LIGHT_STEADY = 1
LIGHT_CAUTION = 2
LIGHT_WARNING = 3

# Directions are bits: two targets can come from both sides
DIRECTION_LEFT = 1
DIRECTION_RIGHT = 2

TEXT_NONE = 0
TEXT_CROSSING_INFORMATION_LEFT = 1
TEXT_CROSSING_INFORMATION_RIGHT = 2
TEXT_CROSSING_INFORMATION_BOTH = 3
TEXT_CROSSING_CAUTION_LEFT = 4
TEXT_CROSSING_CAUTION_RIGHT = 5
TEXT_CROSSING_CAUTION_BOTH = 6
TEXT_KEEP_WATCHING = 7
TEXT_ONCOMING_INFORMATION = 8
TEXT_ONCOMING_CAUTION = 9
TEXT_BEHIND_INFORMATION_LEFT = 10
TEXT_BEHIND_INFORMATION_RIGHT = 11
TEXT_BEHIND_CAUTION_LEFT = 12
TEXT_BEHIND_CAUTION_RIGHT = 13
TEXT_SURROUNDING = 14
TEXT_EMERGENCY = 15

# On the way from an input to the outputs
BOUNDARY_DECODED = 0  # in the core's tables
BOUNDARY_JUDGED = 1
BOUNDARY_DECIDED = 2  # by arbiter and HMI rules

INPUT_GNSS = 0
INPUT_CAN = 1
INPUT_RADIO = 2

STATE_OK = 0
STATE_SILENT = 1
STATE_STALE = 2
STATE_IMPLAUSIBLE = 3
STATE_OFF = 6
STATE_UNKNOWN = 7

# Why: of supports, status and drops alike
REASON_NONE = 0
REASON_L3_REACHED = 1
REASON_L4_REACHED = 2
REASON_L4_STAR_REACHED = 3
REASON_LATE_L3 = 4  # first judged well inside L3 [G 3.5(3)]
REASON_LATE_L4 = 5
REASON_TARGET_PASSED = 6
REASON_TARGET_LOST = 7
REASON_TARGET_SLOW = 8
REASON_TARGET_DATA = 10  # its position, speed or direction became unavailable
REASON_EGO_STARTED = 11
REASON_EGO_TOO_FAST = 12
REASON_EGO_NOT_STOPPED = 13
REASON_EGO_POSITION_UNKNOWN = 14
REASON_EGO_SPEED_UNKNOWN = 15
REASON_HEADING_UNKNOWN = 16
REASON_ERROR_UNBOUNDED = 17
REASON_INFORMATION_ENDED = 18
REASON_HOLD_OVER = 19
REASON_LOST_LIMIT = 20
REASON_DISPLACED = 21  # a more dangerous target took its place
REASON_RESUMED = 23
REASON_TOO_FAR = 24
REASON_ANGLE = 25  # courses do not meet at 30..150 degrees
REASON_NOT_AHEAD = 26  # crossing point behind ego or too far ahead
REASON_BEFORE_L3 = 27
REASON_READY = 29
REASON_NO_INPUT = 40
REASON_TIMEOUT = 41
REASON_VOID = 42
REASON_NO_FIX = 43
REASON_OUT_OF_RANGE = 44
REASON_NO_POSITION = 45
REASON_NOT_CODABLE = 46  # within 1 degree south of the equator or west of Greenwich [D2]
REASON_RECEIVED = 47
REASON_NOT_CONFIGURED = 48
REASON_IMPLAUSIBLE = 49
REASON_FROZEN = 50
REASON_ERROR_GROWN = 51
REASON_UNKNOWN = 52
REASON_TIME_REPEATED = 53
REASON_DATE_IMPLAUSIBLE = 54
REASON_LENGTH = 60
REASON_VERSION = 61
REASON_OWN_FRAME = 62
REASON_DUPLICATE = 63
REASON_REORDERED = 64
REASON_TABLE_FULL = 65
REASON_COUNTER_STUCK = 66
REASON_NEW = 67
REASON_GONE = 68
REASON_EMERGENCY_UNVERIFIED = 69
REASON_WINKER_OFF = 70
REASON_WINKER_UNKNOWN = 71
REASON_TURN_BEGUN = 72
REASON_EGO_STANDING = 73  # at the kerb, or waiting: no left-turn support [D16]
REASON_LATERAL = 74  # its course passes too far beside
REASON_NOT_TWO_WHEELER = 75  # left turn, where only two-wheelers are targets
REASON_TARGET_FELL_BACK = 76
REASON_IN_RANGE = 77  # surrounding and emergency vehicles: begun
REASON_RECEDING = 78
REASON_TARGET_STANDING = 79
REASON_PACKETS_STOPPED = 80
REASON_NO_JUNCTION = 81  # both maps know that no node lies where the courses cross
REASON_EGO_PRIORITY = 82
REASON_TWIN = 83  # two vehicles with one address and id
REASON_JUMP = 84  # a position that it cannot have reached
REASON_TARGET_FROZEN = 85  # it moves, and its position does not
REASON_CLOCK_DISAGREES = 86
REASON_OWN_ID = 87  # another vehicle has drawn ego's id
REASON_SUPERSEDED = 88  # another support speaks for this target, or for this danger
REASON_NOT_EMERGENCY = 89
REASON_EXTERNAL = 90  # told by an autonomous or a roadside support
REASON_EXTERNAL_ENDED = 91
REASON_EXTERNAL_STALE = 92
REASON_OFF = 93  # by configuration
REASON_UNSIGNED = 94  # under the address and id of an emergency vehicle in action, without its radio's flag
REASON_NOT_REQUESTED = 95  # surrounding vehicles are shown on the driver's request

FIX_OK = 0  # fix status; else a REASON_ code that says why it is void

SIGNAL_SPEED = 0
SIGNAL_BRAKE = 1
SIGNAL_WINKER = 2
SIGNAL_HAZARD = 3
SIGNAL_SHIFT = 4
SIGNAL_ACCELERATOR = 5
SIGNAL_ACCELERATION = 6
SIGNAL_YAW_RATE = 7
SIGNAL_EMERGENCY = 8
SIGNALS = 9

STATUS_OK = 0
STATUS_UNKNOWN = 1
STATUS_IMPLAUSIBLE = 2

ORIGIN_VEHICLE = 0  # V2V, this unit's own
ORIGIN_ROADSIDE = 1
ORIGIN_AUTONOMOUS = 2

TARGETS_TWO_WHEELERS = 0  # left turn [G 4.3.1]
TARGETS_ALL = 1

SIDE_LEFT = 0  # of the road that traffic keeps to
SIDE_RIGHT = 1

START_STOPPED = 0  # crossing starts for an ego that has stopped [G 4.1.2]
START_SPEED = 1  # the 0..30 km/h stand-in

MODE_INFORMATION_CAUTION = 0  # [D14]
MODE_CAUTION_ALONE = 1
MODE_INFORMATION_ENDED = 2

ACTION_NEVER = 0  # element 42 of the own message; ordinary units never
ACTION_SIGNAL = 1  # by the car's signal, while it is fresh
ACTION_ALWAYS = 2

POSITION_AUTO = 0  # dead-reckoned while a fresh CAN speed is there
POSITION_FIX = 1  # always the last fix, repeated

SWITCH_MUTE = 0
SWITCH_REQUEST = 1

SHOWN_ALWAYS = 0  # surrounding vehicles [D18]
SHOWN_REQUEST = 1  # started and ended by the driver's switch [G 4.4.2(2)]
SHOWN_WINKER = 2  # while the winker is on [G 4.4.2(2)]
