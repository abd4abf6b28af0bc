"""Drives a core by hand in tests: metres and seconds in, records by name out."""

import math

from asvcore import codes
from asvcore.codec import WIDTHS, encode_into
from asvcore.commands import WIDTH
from asvcore.core import Core
from asvcore.elements import AVAILABLE_ALL
from asvcore.params import NONE
from asvcore.settings import Settings
from asvunit.words import word

LATITUDE_CAS = 35 * 360000
LONGITUDE_CAS = 139 * 360000
NORTH_M = 0.308169  # of 0.01" at 35 degrees, WGS84
EAST_M = 0.253586

FIELDS = {
    codes.COMMAND_SEND: "counter revision position state reason state_reason",
    codes.COMMAND_SUPPORT: "function level presented source vehicle_id distance_dm error_dm threshold_dm ttc_ms reason",
    codes.COMMAND_HMI: "level colour function direction sound text light cue muted",
    codes.COMMAND_STATUS: "input state reason",
    codes.COMMAND_DROP: "reason source vehicle_id",
    codes.COMMAND_NEIGHBOUR: "reason source vehicle_id",
    codes.COMMAND_SYSTEM: "on receiving fault",
    codes.COMMAND_SIGNAL: "signal state reason source",
}


def named(record):
    """A record as a dict of its fields, reasons in words."""
    fields = FIELDS[record[0]].split()
    out = {"kind": word("COMMAND", record[0]), "t": record[2], "cause": record[3]}
    out.update(zip(fields, record[4:], strict=False))
    if "reason" in out:
        out["reason"] = word("REASON", out["reason"])
    return out


def frame(
    vehicle_id=100, counter=0, north_m=0.0, east_m=0.0, speed=50, direction=90, error=2, revision=1, **codes_given
):
    """100 bytes of a vehicle at a place relative to the tests' origin."""
    from asvcore import codec

    raw = [0] * len(WIDTHS)
    raw[codec.ADMINISTRATION_DATA] = 1
    raw[codec.INCREMENT_COUNTER] = counter & 255
    raw[codec.VEHICLE_ID] = vehicle_id
    raw[codec.CLASS_INFORMATION] = 2
    raw[codec.VEHICLE_CLASSIFICATION] = 4
    raw[codec.POSITION_AVAILABILITY] = AVAILABLE_ALL
    for index, cas in (
        (codec.LATITUDINAL_DEGREE, LATITUDE_CAS + round(north_m / NORTH_M)),
        (codec.LONGITUDINAL_DEGREE, LONGITUDE_CAS + round(east_m / EAST_M)),
    ):
        raw[index], raw[index + 1], raw[index + 2] = cas // 360000, cas // 6000 % 60, cas % 6000
    raw[codec.HORIZONTAL_ERROR_RANGE] = error
    raw[codec.REVISION_COUNTER] = revision
    raw[codec.SENSOR_AVAILABILITY] = AVAILABLE_ALL
    raw[codec.SPEED] = speed
    raw[codec.DIRECTION] = direction
    raw[codec.UTC_HOUR] = 9  # midnight UTC, as the drives' fixes tell it
    for name, code in codes_given.items():
        raw[getattr(codec, name.upper())] = code
    buffer = bytearray(100)
    encode_into(raw, buffer)
    return bytes(buffer)


class Drive:
    """A core with a car that stands at the origin, heading north, unless told otherwise."""

    def __init__(self, **settings):
        made = Settings()
        for name, value in settings.items():
            setattr(made, name, value)
        self.core = Core(made)
        self.records = []
        self.counter = 0
        self.cause = 0

    def fix(self, t, north_m=0.0, east_m=0.0, kmh=0.0, course=0.0, error_dm=20, status=0, tod_ms=None):
        self.cause += 1
        self.core.on_fix(
            LATITUDE_CAS + round(north_m / NORTH_M),
            LONGITUDE_CAS + round(east_m / EAST_M),
            NONE if kmh is None else round(kmh * 100),
            NONE if course is None else round(course * 100),
            error_dm,
            NONE,
            NONE,
            t if tod_ms is None else tod_ms,
            status,
            t,
            self.cause,
        )
        self.drain()

    def vehicle(self, t, signal, value, status=0):
        self.cause += 1
        self.core.on_vehicle(signal, value, status, 0, t, self.cause)
        self.drain()

    def message(self, t, payload, source=1, flag=False):
        self.cause += 1
        self.core.on_message(payload, source, t, flag, self.cause)
        self.drain()

    def external(self, t, origin, level=codes.LEVEL_CAUTION, direction=codes.DIRECTION_LEFT, function=1):
        self.cause += 1
        self.core.on_support(origin, function, level, direction, t, self.cause)
        self.drain()

    def tick(self, t):
        self.core.tick(t)
        self.drain()

    def ticks_due(self, t):
        """The ticks that the core asked for before `t`, as a runtime gives them."""
        while self.core.due_ms != NONE and self.core.due_ms < t:
            self.tick(self.core.due_ms)

    def stand(self, until=1000):
        """Drive up with a course of north, stop, and wait until `until` ms: ready for crossing support."""
        self.fix(0, kmh=10)
        self.tick(0)
        for t in range(100, until + 1, 100):
            self.fix(t)
            self.tick(t)

    def drain(self):
        record = [0] * WIDTH
        while self.core.commands.take(record):
            self.records.append(named(record))

    def of(self, kind):
        return [record for record in self.records if record["kind"] == kind]

    def supports(self, function=codes.FUNCTION_CROSSING):
        """SUPPORT records of a function about targets that were given something, each to its end."""
        found, running = [], set()
        for record in self.of("support"):
            key = (record["source"], record["vehicle_id"])
            if record["function"] != function or record["vehicle_id"] == NONE:
                continue
            if record["level"]:
                running.add(key)
            if key in running:
                found.append(record)
            if not record["level"] and record["reason"] != "information_ended":
                running.discard(key)
        return found

    def untold(self, function=codes.FUNCTION_CROSSING):
        """Reasons why targets got nothing, in the order told."""
        given = [id(record) for record in self.supports(function)]
        return [
            record["reason"]
            for record in self.of("support")
            if record["function"] == function and record["vehicle_id"] != NONE and id(record) not in given
        ]


class Target:
    """A target on a straight course that reaches the crossing point, `ahead_m` north of ego, at `at_ms`."""

    def __init__(self, at_ms, kmh=50, direction=90, ahead_m=10.0, vehicle_id=100, source=1, error=2):
        self.at_ms, self.kmh, self.direction, self.ahead_m = at_ms, kmh, direction, ahead_m
        self.vehicle_id, self.source, self.error = vehicle_id, source, error
        self.counter = 0

    def distance_m(self, t):
        """True way to the crossing point."""
        return (self.at_ms - t) / 1000 * self.kmh / 3.6

    def due_ms(self, seconds, error_m):
        """When distance - error reaches `seconds` of way."""
        return self.at_ms - 1000 * (seconds + error_m * 3.6 / self.kmh)

    def frame(self, t):
        self.counter += 1
        way = -self.distance_m(t)
        angle = math.radians(self.direction)
        return frame(
            self.vehicle_id,
            self.counter,
            self.ahead_m + way * math.cos(angle),
            way * math.sin(angle),
            self.kmh,
            self.direction,
            self.error,
        )


def encounter(drive, targets, first, last, heard=lambda target, t: True, ego=lambda drive, t: drive.fix(t)):
    """Run ego and targets every 100 ms from `first` to `last` ms."""
    for t in range(first, last + 1, 100):
        ego(drive, t)
        for target in targets:
            payload = target.frame(t)
            if heard(target, t):
                drive.message(t, payload, target.source)
        drive.tick(t)
