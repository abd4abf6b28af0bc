"""Reads what takes several elements of a decoded message together [D2, D4, D9]."""

from . import codec, params
from .params import NONE


def update_period_ms(raw):
    """How often the sender's position is renewed, 0 where it does not tell [G appendix 1 (17)]."""
    code = raw[codec.POSITION_DELAY]
    return code * 100 if code <= params.POSITION_DELAY_MAX else 0


def readable(raw):
    """True if position, speed and direction of a message can be used."""
    return raw[codec.POSITION_AVAILABILITY] & raw[codec.SENSOR_AVAILABILITY] & 1 and raw[codec.DIRECTION] < 360


def latitude_at(raw, index):
    """Latitude in 0.01" of the three elements from `index` on; NONE outside what exists."""
    return angle_cas(raw[index], raw[index + 1], raw[index + 2], 90)


def longitude_at(raw, index):
    """Longitude likewise."""
    return angle_cas(raw[index], raw[index + 1], raw[index + 2], 180)


def angle_cas(degree, minute, second, limit_deg):
    """Angle in 0.01" from its elements; NONE outside what exists [D2]."""
    if minute > 59 or second > 5999:
        return NONE
    rest_cas = minute * 6000 + second
    cas = degree * 360000 + rest_cas if degree >= 0 else degree * 360000 - rest_cas
    limit_cas = limit_deg * 360000
    return cas if -limit_cas <= cas <= limit_cas else NONE
