"""What a fix of any receiver can be, and from when on a repeated one is old: for NMEA and gpsd alike."""

from typing import Final

MAX_SPEED_CKMH: Final = 30_000
HEIGHTS_M: Final = range(-8192, 8191)  # what a message can say
REPEATED_MS: Final = 1200  # gpsd, and receivers whose clock shows whole seconds, say each time of day several times
