"""Plane geometry around ego in integers: decimetres, Q12 trigonometry, every product below 2^30.

Positions are subtracted in wire units (0.01", "cas") before they become lengths, so no precision is
lost; beyond about 1 km a neighbour is "far" and not judged. Scales follow the WGS84 ellipsoid.
"""

from .params import NONE, RANGE_DM

Q12 = 4096
HALF_TURN_CAS = 180 * 360000
TURN_CAS = 2 * HALF_TURN_CAS
MAX_CAS = 65535  # times a scale below 2^14 stays below 2^30; 1 km up to 87 degrees of latitude

# sin(0..90 degrees) in Q12
_SINE = (
    0, 71, 143, 214, 286, 357, 428, 499, 570, 641, 711, 782, 852, 921, 991, 1060, 1129, 1198, 1266, 1334, 1401,
    1468, 1534, 1600, 1666, 1731, 1796, 1860, 1923, 1986, 2048, 2110, 2171, 2231, 2290, 2349, 2408, 2465, 2522,
    2578, 2633, 2687, 2741, 2793, 2845, 2896, 2946, 2996, 3044, 3091, 3138, 3183, 3228, 3271, 3314, 3355, 3396,
    3435, 3474, 3511, 3547, 3582, 3617, 3650, 3681, 3712, 3742, 3770, 3798, 3824, 3849, 3873, 3896, 3917, 3937,
    3956, 3974, 3991, 4006, 4021, 4034, 4046, 4056, 4065, 4074, 4080, 4086, 4090, 4094, 4095, 4096,
)  # fmt: skip


def sine_q12(angle_cdeg):
    """Sine in Q12 of an angle in 0.01 degrees, any sign."""
    angle_cdeg %= 36000
    sign = 1
    if angle_cdeg >= 18000:
        angle_cdeg -= 18000
        sign = -1
    if angle_cdeg > 9000:
        angle_cdeg = 18000 - angle_cdeg
    whole = angle_cdeg // 100
    low = _SINE[whole]
    rest = angle_cdeg - whole * 100
    if rest:
        low += ((_SINE[whole + 1] - low) * rest + 50) // 100
    return sign * low


def cosine_q12(angle_cdeg):
    """Cosine in Q12 of an angle in 0.01 degrees, any sign."""
    return sine_q12(angle_cdeg + 9000)


def divided(numerator, denominator):
    """Quotient rounded half up; denominator above 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def angle_between_cdeg(one_cdeg, other_cdeg):
    """Angle between two courses, 0..18000 in 0.01 degrees."""
    angle_cdeg = (one_cdeg - other_cdeg) % 36000
    return 36000 - angle_cdeg if angle_cdeg > 18000 else angle_cdeg


def root(square):
    """Square root of 0 .. 2^30, rounded to the nearest integer."""
    low = 0
    bit = 1 << 28
    rest = square
    while bit > rest:
        bit >>= 2
    while bit:
        if rest >= low + bit:
            rest -= low + bit
            low = (low >> 1) + bit
        else:
            low >>= 1
        bit >>= 2
    return low + 1 if rest > low else low


def rough_range_dm(north_dm, east_dm):
    """Length within 7 %: for sorting, not for judging."""
    high, low = abs(north_dm), abs(east_dm)
    if high < low:
        high, low = low, high
    return high + low * 3 // 8


def longitude_difference_cas(to_cas, from_cas):
    """Shortest way east, across the date line where that is shorter."""
    difference = to_cas - from_cas
    if difference >= HALF_TURN_CAS:
        return difference - TURN_CAS
    if difference < -HALF_TURN_CAS:
        return difference + TURN_CAS
    return difference


class Plane:
    """The local plane: an origin in wire units, and the lengths of 0.01" there (dm, Q12)."""

    def __init__(self):
        self.latitude_cas = 0
        self.longitude_cas = 0
        self.north_q12 = 12644
        self.east_q12 = 12676
        self._scaled_at_cas = NONE

    @property
    def known(self):
        """True once it has been placed."""
        return self._scaled_at_cas != NONE

    def place(self, latitude_cas, longitude_cas):
        """Move the origin; the scales are renewed every 36" of latitude (1.1 km)."""
        self.latitude_cas = latitude_cas
        self.longitude_cas = longitude_cas
        if abs(latitude_cas - self._scaled_at_cas) > 3600:
            self._scaled_at_cas = latitude_cas
            angle_cdeg = divided(latitude_cas, 3600)
            # WGS84: 111132.95 - 559.85 cos 2p and 111412.88 cos p - 93.50 cos 3p metres a degree
            self.north_q12 = 12644 - ((64 * cosine_q12(2 * angle_cdeg) + 2048) >> 12)
            self.east_q12 = (12676 * cosine_q12(angle_cdeg) - 11 * cosine_q12(3 * angle_cdeg) + 2048) >> 12
            self.east_q12 = max(self.east_q12, 1)

    def north_dm(self, latitude_cas):
        """Way north from the origin in dm, or NONE beyond the range of local geometry."""
        difference = latitude_cas - self.latitude_cas
        if not -MAX_CAS <= difference <= MAX_CAS:
            return NONE
        way = (difference * self.north_q12 + 2048) >> 12
        return way if -RANGE_DM <= way <= RANGE_DM else NONE

    def east_dm(self, longitude_cas):
        """Way east from the origin in dm, or NONE beyond the range of local geometry."""
        difference = longitude_difference_cas(longitude_cas, self.longitude_cas)
        if not -MAX_CAS <= difference <= MAX_CAS:
            return NONE
        way = (difference * self.east_q12 + 2048) >> 12
        return way if -RANGE_DM <= way <= RANGE_DM else NONE
