"""Constants of the ASV message that a unit needs while it runs; the elements' table, names and all, is elements.py."""

MESSAGE_BYTES = 100  # [G appendix 1]
VERSION = 1  # lower five bits of element 1: ver. 1.0
CODED = 43  # elements 1..43 fit machine words; 44 and 45 are carried as bytes

# Availability of the position, state and intersection units (elements 7, 19, 32) [D9].
AVAILABLE_ALL = 3  # all readable
AVAILABLE_MANDATORY = 1  # only the mandatory elements are readable
AVAILABLE_NONE = 0  # skip the whole unit; code 2 reads so too

NO_DIRECTION = 0x180  # undefined direction, the rest of the unit intact [D4]
NO_HEIGHT = 0x3FFF
NO_ACCELERATION = 0x3F
NO_PEDAL = 0x7C  # accelerator unknown
PEDAL_ON = 0x78  # accelerator switch on
NO_PEDAL_SENSOR = 0x7F
NO_POSITION_DELAY = 0x1F
NODE_DISTANCE_FAR = 501  # 500 m or more
NO_NODE_DISTANCE = 0x1FF
NODE_FROM_MAP = 1

SHIFT_UNKNOWN, SHIFT_DRIVE, SHIFT_REVERSE, SHIFT_PARKING, SHIFT_OTHER, SHIFT_NONE = 0, 1, 2, 3, 4, 7
BRAKE_UNKNOWN, BRAKE_OFF, BRAKE_ON, BRAKE_AUXILIARY = 0, 4, 5, 6  # bits: known 4, auxiliary 2, lamp 1
WINKER_UNKNOWN, WINKER_OFF, WINKER_RIGHT, WINKER_LEFT, WINKER_NONE = 0, 4, 5, 6, 7
HAZARD_UNKNOWN, HAZARD_OFF, HAZARD_ON, HAZARD_NONE = 0, 4, 5, 7
