"""A receiver behind gpsd: whether gpsd answers, which devices it has, and what its reports say of the fix.

gpsd's JSON protocol over TCP; it is asked to watch and told nothing else, so that its other clients go on as before.
"""

import json
import socket
import statistics
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, time
from typing import Any, Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, Finding, Job, plural
from asvtools.doctor.gnss import time_finding
from asvunit.gnss.gpsd_address import gpsd_address

_CONNECT_S: Final = 3.0
_CHUNK: Final = 65_536
_MOST_BYTES: Final = 1 << 20
_WATCH: Final = b'?WATCH={"enable":true,"json":true};\n'
_MODES: Final = {2: "2D fix", 3: "3D fix"}
_START: Final = "start it: `sudo systemctl enable --now gpsd.socket` (not installed: `sudo apt install gpsd`)"


@dataclass
class _Heard:
    """What gpsd said."""

    release: str = ""
    devices: list[str] = field(default_factory=list)
    reports: int = 0  # TPV
    fixes: int = 0
    mode: int = 0
    error_m: float | None = None
    has_motion: bool = False
    satellites: int | None = None
    hdop: float | None = None
    utc: datetime | None = None
    offset_s: float | None = None
    times: list[float] = field(default_factory=list)


def check_gpsd(job: Job, address: str, device: str | None) -> Iterator[Finding]:
    """gpsd as the configuration's receiver."""
    host, port = gpsd_address(address)
    try:
        heard = _listen(host, port, job.seconds, device)
    except OSError as error:
        said = error.strerror or str(error) or "no answer"
        local = host in ("localhost", "127.0.0.1", "::1")
        mend = _START if local else f"is gpsd started with -G on {host}, and {host} reached? `ping -c 3 {host}`"
        found = {"gpsd": address}
        yield Finding("gnss gpsd", PROBLEM, f"{host}:{port}: {' '.join(said.split())}", mend, True, found)
        return
    facts: dict[str, Any] = {"gpsd": address, "release": heard.release, "devices": heard.devices}
    yield _daemon(address, device, heard, facts)
    if heard.reports:
        yield _fix(heard)
        yield _rate(heard)
        yield time_finding(job, heard.utc, heard.offset_s)


def _listen(host: str, port: int, seconds: float, device: str | None) -> _Heard:
    heard, rest, size = _Heard(), b"", 0
    with socket.create_connection((host, port), timeout=_CONNECT_S) as link:
        link.sendall(_WATCH)
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0 and size < _MOST_BYTES:
            link.settimeout(max(0.01, left))
            try:
                data = link.recv(_CHUNK)
            except TimeoutError:
                break
            if not data:
                break
            size += len(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                _take(heard, line, device)
    return heard


def _take(heard: _Heard, line: bytes, device: str | None) -> None:
    """One report; what is malformed, or of another device, tells nothing."""
    try:
        report = json.loads(line)
    except ValueError:
        return
    if not isinstance(report, dict):
        return
    kind = report.get("class")
    if kind == "VERSION":
        heard.release = str(report.get("release", ""))
    elif kind == "DEVICES" and isinstance(report.get("devices"), list):
        heard.devices = [str(one["path"]) for one in report["devices"] if isinstance(one, dict) and "path" in one]
    elif kind == "DEVICE" and report.get("path") and report["path"] not in heard.devices:
        heard.devices.append(str(report["path"]))
    elif kind in ("TPV", "SKY") and device in (None, report.get("device")):
        (_tpv if kind == "TPV" else _sky)(heard, report)


def _tpv(heard: _Heard, report: dict[str, Any]) -> None:
    heard.reports += 1
    mode = report.get("mode")
    heard.mode = mode if isinstance(mode, int) else 0
    placed = heard.mode >= 2 and _number(report.get("lat")) is not None and _number(report.get("lon")) is not None
    heard.fixes += placed
    heard.has_motion |= _number(report.get("speed")) is not None
    error_m = _number(report.get("eph"))
    sides = [size for key in ("epx", "epy") if (size := _number(report.get(key))) is not None]
    heard.error_m = error_m if error_m is not None else max(sides, default=None)
    with suppress(TypeError, ValueError):
        utc = datetime.fromisoformat(str(report["time"])) if "time" in report else None
        if utc is not None and utc.tzinfo is not None:
            heard.utc = utc
            if not heard.times or heard.times[-1] != utc.timestamp():
                heard.times.append(utc.timestamp())
            if placed:
                offset_s = utc.timestamp() - time()
                heard.offset_s = offset_s if heard.offset_s is None else max(heard.offset_s, offset_s)


def _sky(heard: _Heard, report: dict[str, Any]) -> None:
    used = report.get("uSat")
    if isinstance(used, int):
        heard.satellites = used
    elif isinstance(report.get("satellites"), list):
        heard.satellites = sum(isinstance(one, dict) and one.get("used") is True for one in report["satellites"])
    hdop = _number(report.get("hdop"))
    heard.hdop = hdop if hdop is not None else heard.hdop


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _daemon(address: str, device: str | None, heard: _Heard, facts: dict[str, Any]) -> Finding:
    name = "gnss gpsd"
    if not heard.release:
        return Finding(name, PROBLEM, f"{address}: answers, but not as gpsd does", "correct gnss.gpsd", True, facts)
    detail = f"{address}: gpsd {heard.release}, {', '.join(heard.devices) or 'no device'}"
    if not heard.devices:
        mend = 'name the receiver in /etc/default/gpsd (DEVICES="/dev/ttyACM0"), then `sudo systemctl restart gpsd`'
        return Finding(name, PROBLEM, detail, mend, True, facts)
    if device is not None and device not in heard.devices:
        mend = f"set gnss.device to one of {', '.join(heard.devices)}, or leave it out"
        return Finding(name, PROBLEM, f"{detail}; not {device}", mend, True, facts)
    if not heard.reports:
        mend = "does the receiver send? `gpsmon` shows it; a wrong rate: `sudo systemctl restart gpsd`"
        return Finding(name, PROBLEM, f"{detail}; no report (TPV) while listening", mend, True, facts)
    return Finding(name, OK, detail, "", True, facts)


def _fix(heard: _Heard) -> Finding:
    found = {
        "fixes": heard.fixes, "voids": heard.reports - heard.fixes, "mode": heard.mode,
        "satellites": heard.satellites, "hdop": heard.hdop, "error_m": heard.error_m,
    }  # fmt: skip
    parts = [_MODES.get(heard.mode, "no fix")]
    parts += [] if heard.satellites is None else [plural(heard.satellites, "satellite")]
    parts += [] if heard.hdop is None else [f"HDOP {heard.hdop:g}"]
    parts += [] if heard.error_m is None else [f"error {heard.error_m:g} m"]
    detail = ", ".join(parts)
    if not heard.fixes:
        mend = "give the antenna open sky; the first fix after power-on may take a minute, then again"
        return Finding("gnss fix", PROBLEM, detail, mend, True, found)
    if not heard.has_motion:
        detail += "; no speed, so no direction: no crossing and no turn support"
        return Finding("gnss fix", PROBLEM, detail, "let the receiver send RMC or VTG", True, found)
    if heard.error_m is None:
        return Finding("gnss fix", ABSENT, f"{detail}; no error told: by class", "", False, found)
    return Finding("gnss fix", OK, detail, "", False, found)


def _rate(heard: _Heard) -> Finding:
    steps = [after - before for before, after in zip(heard.times, heard.times[1:], strict=False) if after > before]
    if not steps:
        mend = "listen longer: `--seconds 10`"
        return Finding("gnss rate", ABSENT, "fewer than two dated reports heard", mend, found={"rate_hz": None})
    rate_hz = round(1 / statistics.median(steps), 1)
    mend = (
        ""
        if rate_hz >= 4.5
        else "10 a second is better: set the receiver's rate with its maker's tool or `gpsctl -c 0.1`"
    )
    return Finding("gnss rate", OK, f"{rate_hz:g} reports a second", mend, found={"rate_hz": rate_hz})
