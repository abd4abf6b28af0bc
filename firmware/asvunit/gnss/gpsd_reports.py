"""gpsd's reports made fixes: JSON lines as bytes in, no I/O, time is an argument.

gpsd tells a fix as a TPV report, often several times while the sentences of one epoch come in, and in other
reports what belongs to it: GST and SKY its errors, DEVICES and DEVICE its receivers. One receiver is followed:
the chosen one, else the first that tells a TPV, until it is taken away or falls silent.
"""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from asvunit.gnss.fix_lag import Lag
from asvunit.gnss.gpsd_numbers import angle_cas, ceiling, number, parse, root_of_squares, time_of_day, up
from asvunit.gnss.limits import HEIGHTS_M, MAX_SPEED_CKMH, REPEATED_MS
from asvunit.gnss.nmea_text import below_half
from asvunit.ports import Fix

LONGEST_LINE: Final = 65_536  # a SKY report of a hundred satellites has 12 KB
PROTOCOL: Final = 3  # major version, of gpsd 2.90 and later
SILENT_MS: Final = 3000
ERROR_MS: Final = 5000  # how old an error estimate may be

_MS_NS: Final = 1_000_000
_HDOP_M: Final = 5
_MAX_ERROR_DM: Final = 100_000
_NAME: Final = 100  # characters of what gpsd says that are passed on


@dataclass(slots=True)
class _Receiver:
    """What is known of one of gpsd's devices."""

    tpv_ns: int | None = None  # of the latest TPV
    gst: tuple[int, Any] | None = None  # when it came, own error in metres
    hdop: tuple[int, Any] | None = None


@dataclass(slots=True)
class Heard:
    """What bytes brought, in order: fixes, and that the receiver has come (True) or gone (False)."""

    records: list[Fix | bool] = field(default_factory=list)

    @property
    def fixes(self) -> list[Fix]:
        return [one for one in self.records if isinstance(one, Fix)]


class GpsdReports:
    """One connection to gpsd after the other; `device`: the path of the receiver wanted, empty for any.

    Dropped in `counters`: garbage, bad_report, bad_time, no_time, duplicate (of one time), other_device, stale,
    time_back, implausible (a value that is left out).
    """

    def __init__(self, device: str = "") -> None:
        self.counters: Counter[str] = Counter()
        self._device = device
        self.reset(0)

    def reset(self, time_ns: int) -> None:
        """Begin anew on a connection just made."""
        self.protocol: int | None = None  # major version; None: gpsd has not told it
        self.release = ""
        self.error = ""  # what gpsd complained of last
        self._receivers: dict[str, _Receiver] = {}
        self._followed: str | None = self._device or None
        self._fix_ns = time_ns  # when a TPV of the followed one came last
        self._no_time_ns: int | None = None  # since when positions come without time
        self._lag = Lag()
        self._tod_ms: int | None = None
        self._new_ns = 0  # when that time of day came first
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes, time_ns: int) -> Heard:
        """What bytes that arrived at this time say."""
        heard = Heard()
        *lines, rest = data.split(b"\n")
        for line in lines:
            whole, self._rest = self._rest + line, b""
            if self._skipping:
                self._skipping = False  # counted when it became too long
            elif len(whole) > LONGEST_LINE:
                self.counters["garbage"] += 1
            elif whole.strip():
                self._report(whole, time_ns, heard)
        if not self._skipping:
            self._rest += rest
            if len(self._rest) > LONGEST_LINE:
                self.counters["garbage"] += 1
                self._rest, self._skipping = b"", True
        return heard

    @property
    def others(self) -> list[str]:
        """Receivers that gpsd has, without the chosen one."""
        return sorted(name for name in list(self._receivers) if name != self._device)

    def trouble(self, now_ns: int) -> str:
        """Why no fix comes although gpsd is connected: a code, or nothing."""
        limit_ns = now_ns - SILENT_MS * _MS_NS
        if self._no_time_ns is not None and self._no_time_ns <= limit_ns:
            return "no_time"
        if self._fix_ns > limit_ns:
            return ""
        if not self._receivers:
            return "no_receiver"
        return "other_receivers" if self._device and self._device not in self._receivers else "silent"

    # One report

    def _report(self, line: bytes, time_ns: int, heard: Heard) -> None:
        report = parse(line)
        if report is None:
            self.counters["garbage"] += 1
            return
        kind = report.get("class")
        if kind == "TPV":
            fix = self._tpv(report, time_ns)
            if fix is not None:
                heard.records.append(fix)
        elif kind in ("SKY", "GST"):
            self._errors(report, time_ns)
        elif kind == "DEVICES":
            self._devices(report, heard)
        elif kind == "DEVICE":
            self._one_device(report, heard)
        elif kind == "VERSION":
            major = number(report.get("proto_major"))
            self.protocol = 0 if major is None else int(major)
            self.release = _short(report.get("release"))
        elif kind == "ERROR":
            self.error = _short(report.get("message"))
            self.counters["error"] += 1

    def _devices(self, report: dict[str, Any], heard: Heard) -> None:
        devices = report.get("devices")
        if not isinstance(devices, list):
            self.counters["bad_report"] += 1
            return
        for device in devices:
            if isinstance(device, dict):
                self._one_device(device, heard)

    def _one_device(self, report: dict[str, Any], heard: Heard) -> None:
        """A receiver that gpsd has, or has just opened or closed: `activated` is then a time, or 0."""
        path = report.get("path")
        if not isinstance(path, str):
            self.counters["bad_report"] += 1
            return
        if "removed" in report or report.get("activated") == 0:
            self._receivers.pop(path, None)
            if path == self._followed:
                self._followed = self._device or None
                heard.records.append(False)
            return
        self._receivers.setdefault(path, _Receiver())
        if "activated" in report and self._followed in (None, path):
            heard.records.append(True)

    def _receiver(self, report: dict[str, Any]) -> _Receiver | None:
        """The receiver of a report, if that is the one to follow or to be followed next."""
        path = report.get("device", "")
        if not isinstance(path, str):
            self.counters["bad_report"] += 1
            return None
        if self._device and path != self._device:
            self.counters["other_device"] += 1
            return None
        return self._receivers.setdefault(path, _Receiver())

    def _errors(self, report: dict[str, Any], time_ns: int) -> None:
        one = self._receiver(report)
        if one is None:
            return
        if report["class"] == "SKY":
            hdop = number(report.get("hdop"))
            if hdop is not None and 0 < hdop < 99:  # 99.99: unknown
                one.hdop = time_ns, hdop * _HDOP_M
        else:
            error_m = root_of_squares(report.get("lat"), report.get("lon"))
            if error_m is not None and error_m > 0:
                one.gst = time_ns, error_m

    # A fix

    def _tpv(self, report: dict[str, Any], time_ns: int) -> Fix | None:
        one = self._receiver(report)
        if one is None or not self._follow(report.get("device", ""), one, time_ns):
            return None
        self._fix_ns = time_ns
        mode, tod_ms = report.get("mode"), time_of_day(report.get("time"))
        without_time = isinstance(mode, Decimal) and mode >= 2 and tod_ms is None
        self._no_time_ns = (self._no_time_ns or time_ns) if without_time else None
        if not isinstance(mode, Decimal):
            self.counters["bad_report"] += 1
        elif mode < 2:
            return Fix(time_ns, False, "no_fix", tod_ms)
        elif tod_ms is None:
            self.counters["bad_time" if "time" in report else "no_time"] += 1
        else:
            return self._fix(report, one, tod_ms, time_ns)
        return None

    def _fix(self, report: dict[str, Any], one: _Receiver, tod_ms: int, time_ns: int) -> Fix | None:
        """What a receiver that has a fix and a time tells."""
        latitude, longitude = angle_cas(report.get("lat"), 90), angle_cas(report.get("lon"), 180)
        if isinstance(latitude, str):
            return Fix(time_ns, False, latitude, tod_ms)
        if isinstance(longitude, str):
            return Fix(time_ns, False, longitude, tod_ms)
        reason = self._time_reason(tod_ms, time_ns)
        if reason == "time_repeated":
            return Fix(time_ns, False, reason, tod_ms)
        if reason:
            self.counters[reason] += 1
            return None
        position = latitude, longitude, *self._motion(report)
        return Fix(time_ns, True, "", tod_ms, *position, self._error_dm(report, one, time_ns), *self._heights(report))

    def _follow(self, path: str, one: _Receiver, time_ns: int) -> bool:
        """Whether this receiver is followed, or is from now on."""
        one.tpv_ns = time_ns
        if path == self._followed:
            return True
        followed = None if self._followed is None else self._receivers.get(self._followed)
        followed_ns = None if followed is None else followed.tpv_ns
        if followed_ns is not None and time_ns - followed_ns < SILENT_MS * _MS_NS:
            self.counters["other_device"] += 1
            return False
        self._followed, self._tod_ms, self._lag = path, None, Lag()
        return True

    def _time_reason(self, tod_ms: int, time_ns: int) -> str:
        """What is wrong with the time of a valid position, or nothing."""
        if tod_ms == self._tod_ms:
            return "duplicate" if time_ns - self._new_ns < REPEATED_MS * _MS_NS else "time_repeated"
        reason = self._lag.of(tod_ms, time_ns)
        if not reason:
            self._tod_ms, self._new_ns = tod_ms, time_ns
        return reason

    def _motion(self, report: dict[str, Any]) -> tuple[int | None, int | None]:
        speed = self._value(report, "speed", up, 360, 0, MAX_SPEED_CKMH)
        course = self._value(report, "track", up, 100, 0, 36_000)
        return speed, None if course is None else course % 36_000

    def _heights(self, report: dict[str, Any]) -> tuple[int | None, int | None]:
        """Height and its error. That of a fix in two dimensions is an old one."""
        if report["mode"] < 3:
            return None, None
        height = self._value({"height": _sea_level(report)}, "height", up, 1, HEIGHTS_M[0], HEIGHTS_M[-1])
        vertical = self._value(report, "epv", up, 1, 0, _MAX_ERROR_DM // 10)
        return height, None if vertical is None else max(1, vertical)

    def _error_dm(self, report: dict[str, Any], one: _Receiver, time_ns: int) -> int | None:
        """The receiver's own deviations, else what gpsd makes of the satellites' places, else HDOP x 5 m."""
        components = root_of_squares(report.get("epx"), report.get("epy"))
        for told in (one.gst, (time_ns, report.get("eph")), (time_ns, components), one.hdop):
            if told is None or time_ns - told[0] > ERROR_MS * _MS_NS:
                continue
            error_dm = ceiling(told[1], 10, 0, _MAX_ERROR_DM)
            if error_dm is not None:
                is_exact = ceiling(told[1], 100, 0, 10 * _MAX_ERROR_DM) == 10 * error_dm
                return max(1, below_half(error_dm, is_exact=is_exact))
        return None

    def _value(self, report: dict[str, Any], key: str, convert: Any, factor: int, low: int, high: int) -> int | None:
        if report.get(key) is None:
            return None
        value: int | None = convert(report[key], factor, low, high)
        if value is None:
            self.counters["implausible"] += 1
        return value


def _sea_level(report: dict[str, Any]) -> Any:
    """Height above mean sea level; `alt` is that in gpsd before 3.20, which has no altHAE."""
    if "altMSL" in report:
        return report["altMSL"]
    above, separation = number(report.get("altHAE")), number(report.get("geoidSep"))
    if above is not None:
        return None if separation is None else above - separation
    return report.get("alt")


def _short(text: object) -> str:
    """What gpsd says, fit for one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text or "")[:_NAME]).split())
