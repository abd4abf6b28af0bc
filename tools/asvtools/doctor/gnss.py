"""The receiver: its port, its baud rate, its sentences, its fix, and its time against the system clock."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Finding, Job, plural
from asvtools.doctor.nmea_sample import Sample
from asvtools.doctor.serial_line import (
    Opener,
    candidates,
    fault_text,
    heard_at,
    open_line,
    port_finding,
    speaking_baud,
)
from asvtools.doctor.side_by_side import side_by_side
from asvtools.doctor.system_clock import YEARS

_ROLLOVER: Final = timedelta(weeks=1024)
_HALF_DAY_S: Final = 43_200
_CLOCK_S: Final = 2.0  # receiver and line are late by less
_HDOP_M: Final = 5
_FULL: Final = 0.9  # of a line's bytes: then sentences wait or are lost
_SKY: Final = "give the antenna open sky; the first fix after power-on may take a minute (cold: longer); then again"
_ODD: Final = {  # reasons of the unit that the sky does not mend
    "date_implausible": "look at gnss time, below",
    "time_repeated": "its time stands still: take its power away and give it again",
    "frozen": "its position stands still while it moves: take its power away and give it again",
}
# Sentences of which any tells it, what the unit lacks without all of them, and whether it cannot do without
_NEEDED: Final = (
    (frozenset({"RMC", "GGA", "GNS", "GLL"}), "no RMC, GGA, GNS or GLL: no position", True),
    (frozenset({"RMC", "VTG"}), "no RMC or VTG: no speed and no direction, so no crossing and turn support", True),
    (frozenset({"RMC", "ZDA"}), "no RMC or ZDA: no date", False),
    (frozenset({"GGA", "GNS"}), "no GGA or GNS: no height, satellites or HDOP", False),
)
_CLASS_ERROR_M: Final = {"S": 0.1, "A": 5, "B": 15, "C": 30}  # [G table 1-1]


def check_gnss(job: Job, opener: Opener = open_line) -> Iterator[Finding]:
    """The configured receiver; without a configuration, which ports speak."""
    if job.config is None:
        yield from _search(job, opener)
        return
    if job.config.ego.simulate != "off":
        yield Finding("gnss", SKIPPED, "simulated: the unit moves as a scenario's ego")
        return
    if job.config.gnss.gpsd is not None:
        from asvtools.doctor.gnss_gpsd import check_gpsd

        yield from check_gpsd(job, job.config.gnss.gpsd, job.config.gnss.device)
        return
    port, baud = job.config.gnss.port, job.config.gnss.baud
    if port is None:
        mend = "set [gnss] port; `asvkit doctor` without --config tells which ports speak"
        yield Finding("gnss", ABSENT, "none configured: no own position, so no support", mend)
        return
    yield from _configured(job, port, baud, opener)


def _configured(job: Job, port: str, baud: int, opener: Opener) -> Iterator[Finding]:
    if job.holder:
        yield Finding("gnss", SKIPPED, f"{port}: {job.holder} has it", "end the unit to try its parts")
        return
    first = port_finding(job, "gnss port", port, needed=True)
    yield first
    if first.state != OK:
        return
    path = str(job.at(port))
    try:
        heard = heard_at(path, baud, job.seconds, opener)
        if heard.speaks:
            yield _line(job, baud, heard)
            yield from sample_findings(job, heard)
        else:
            yield _no_sentences(path, port, baud, heard, opener)
    except Exception as error:  # termios.error, SerialException and others of a line that fails
        detail, mend = fault_text(port, error)
        yield Finding("gnss baud", PROBLEM, detail, mend, needed=True)


def _line(job: Job, baud: int, heard: Sample) -> Finding:
    load = heard.bytes * 10 / (baud * job.seconds)
    found = {"baud": baud, "sentences": heard.sentences.total(), "load": round(load, 2)}
    detail = f"NMEA at {baud} baud"
    if _FULL < load <= 1.02:  # more is no line with a rate, as a pty or USB
        mend = "sentences may be lost or late: a higher baud rate, fewer sentences (`asvkit gnss setup`)"
        return Finding("gnss baud", PROBLEM, f"{detail}, the line is {load:.0%} full", mend, False, found)
    return Finding("gnss baud", OK, detail, "", True, found)


def _no_sentences(path: str, port: str, baud: int, heard: Sample, opener: Opener) -> Finding:
    facts: dict[str, Any] = {"baud": baud, "bytes": heard.bytes, "speaks_at": None}
    setup = f"let it send NMEA: `asvkit gnss setup {port}` (its --help tells what is sent)"
    if heard.ubx:
        return Finding("gnss baud", PROBLEM, f"{port} sends UBX alone at {baud} baud, no NMEA", setup, True, facts)
    other = speaking_baud(path, [baud], opener)
    what = f"{plural(heard.bytes, 'byte')} but no sentence" if heard.bytes else "nothing"
    if heard.rtcm > 1:
        what = "RTCM corrections alone"
    if other is None:
        detail = f"{port}: {what} at {baud} baud, and no NMEA at any other usual rate"
        mend = "is it powered, its TX wired to this RX, ground to ground? Is it a receiver at all?"
        if heard.bytes:
            mend = "does it send NMEA with checksums? A binary protocol is set back to NMEA with its maker's tool"
        return Finding("gnss baud", PROBLEM, detail, mend, True, facts)
    facts["speaks_at"], found = other
    if not found.speaks:
        detail = f"{port}: {what} at {baud} baud; UBX alone at {other[0]}"
        return Finding("gnss baud", PROBLEM, detail, f"set gnss.baud = {other[0]}, then {setup}", True, facts)
    detail = f"{port}: {what} at {baud} baud; it speaks at {other[0]}"
    return Finding("gnss baud", PROBLEM, detail, f"set gnss.baud = {other[0]}", True, facts)


def sample_findings(job: Job, heard: Sample) -> Iterator[Finding]:
    """What a receiver that speaks lacks, and what the unit lacks by it."""
    yield _sentences(heard)
    yield _fix(job, heard)
    yield _rate(heard)
    yield time_finding(job, heard.utc, heard.offset_s)


def _sentences(heard: Sample) -> Finding:
    kinds = {kind: heard.sentences[kind] for kind in sorted(heard.sentences)}
    detail = " ".join(f"{kind} {count}" for kind, count in kinds.items())
    if heard.bad_checksums:
        detail += f", {plural(heard.bad_checksums, 'bad checksum')}"
    found = {"kinds": kinds, "talkers": sorted(heard.talkers), "bad_checksums": heard.bad_checksums}
    missing = [(text, fails) for tells, text, fails in _NEEDED if not tells & heard.sentences.keys()]
    lacking = [text for text, _fails in missing]
    broken = any(fails for _text, fails in missing)
    noisy = heard.bad_checksums > heard.sentences.total() // 10
    if not heard.count("GST"):
        lacking.append(f"no GST: own error {'by class' if heard.hdop is None else 'from HDOP'}")
    mends = ["turn them on: `asvkit gnss setup` for u-blox, else its maker's tool"] if lacking else []
    if noisy:
        mends.append("noise on the line: look at ground and cable length, or take a lower baud rate")
    state = PROBLEM if broken or noisy else OK if not lacking else ABSENT
    text = "; ".join([detail, *lacking])
    return Finding("gnss sentences", state, text, "; ".join(mends), broken, found)


def _fix(job: Job, heard: Sample) -> Finding:
    found = {
        "fixes": heard.fixes, "voids": heard.voids, "quality": heard.quality, "satellites": heard.satellites,
        "hdop": heard.hdop, "error_m": heard.error_m, "reasons": dict(heard.reasons),
    }  # fmt: skip
    parts = [heard.quality] if heard.quality else []
    parts += [] if heard.satellites is None else [plural(heard.satellites, "satellite")]
    parts += [] if heard.hdop is None else [f"HDOP {heard.hdop:g}"]
    parts += [] if heard.error_m is None else [f"GST error {heard.error_m:g} m"]
    if heard.quality == "simulated":
        detail = ", ".join(["the receiver simulates its position", *parts])
        return Finding("gnss fix", PROBLEM, detail, "set the receiver back to real signals", True, found)
    if not heard.fixes:
        odd = [reason for reason in heard.reasons if reason not in ("void", "no_fix")]
        why = f"no fix that the unit uses ({', '.join(odd).replace('_', ' ')})" if odd else "no fix"
        mend = next((text for reason, text in _ODD.items() if reason in odd), _SKY)
        return Finding("gnss fix", PROBLEM, ", ".join([why, *parts]), mend, True, found)
    gaps = f"; lost in {heard.voids} of {heard.fixes + heard.voids} epochs" if heard.voids else ""
    error_m = _own_error_m(job, heard)
    of_class = job.config.vehicle.position_class if job.config else None
    poor = of_class is not None and error_m is not None and error_m > _CLASS_ERROR_M[of_class]
    if poor:
        gaps += f"; own error {error_m:g} m is more than class {of_class} promises ({_CLASS_ERROR_M[str(of_class)]} m)"
    mend = "a better place for the antenna; it may still be settling" if poor or heard.voids else ""
    detail = ", ".join(parts or ["a position"]) + gaps
    return Finding("gnss fix", PROBLEM if poor or heard.voids else OK, detail, mend, False, found)


def _own_error_m(job: Job, heard: Sample) -> float | None:
    if heard.error_m is not None:
        return math.ceil(heard.error_m * 10) / 10
    return None if heard.hdop is None else heard.hdop * _HDOP_M


def _rate(heard: Sample) -> Finding:
    if heard.rate_hz is None:
        detail = "fewer than two epochs heard"
        return Finding("gnss rate", SKIPPED, detail, "listen longer: `--seconds 10`", found={"rate_hz": None})
    found = {"rate_hz": heard.rate_hz}
    if heard.rate_hz >= 4.5:
        return Finding("gnss rate", OK, f"{heard.rate_hz:g} fixes a second", found=found)
    detail = f"{heard.rate_hz:g} fixes a second: the unit works, but tells late where it is"
    mend = "10 a second is better: `asvkit gnss setup` for u-blox (38400 baud or more)"
    return Finding("gnss rate", OK, detail, mend, found=found)


def time_finding(job: Job, utc: datetime | None, offset_s: float | None, name: str = "gnss time") -> Finding:
    """The receiver's date, and the system clock against it. A clock half a day wrong makes signed frames stale."""
    found: dict[str, Any] = {"utc": utc.isoformat() if utc else None, "offset_s": None}
    if utc is None:
        mend = "it comes with RMC, and with the first fix"
        return Finding(name, ABSENT, "the receiver told no date", mend, found=found)
    told = f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    if utc.year not in YEARS:
        detail = f"{told} is no date of today"
        mend = "it has not heard the satellites' time yet: give it open sky"
        if (utc + _ROLLOVER).year in YEARS and utc > datetime(1999, 8, 22, tzinfo=UTC):
            mend = "its firmware is past its week 1024 (the date is 1024 weeks back): ask its maker for a newer one"
        return Finding(name, PROBLEM, detail, mend, False, found)
    if offset_s is None:
        return Finding(name, OK, told, found=found)
    found["offset_s"] = round(offset_s, 3)
    size = abs(offset_s)
    way = "behind" if offset_s > 0 else "ahead"
    if size < _CLOCK_S:
        detail = f"{told}; the system clock is within {size:.2f} s of it, the delay of receiver and line included"
        return Finding(name, OK, detail, found=found)
    keyed = bool(job.config and job.config.emergency.keys)
    wrong = size >= _HALF_DAY_S
    effect = "signed emergency frames count as stale" if wrong else "dates in events and logs are wrong"
    mend = "let chrony set it from the receiver or the network: `sudo apt install chrony`"
    mend += f"; for now: `sudo date -u -s '{utc:%Y-%m-%d %H:%M:%S}'`"
    detail = f"{told}; the system clock is {_span(size)} {way}: {effect}"
    return Finding(name, PROBLEM, detail, mend, wrong and keyed, found)


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


# Without a configuration


def _search(job: Job, opener: Opener) -> Iterator[Finding]:
    ports = candidates(job)
    if not ports:
        mend = "connect the GNSS receiver, or enable the serial port"
        yield Finding("serial ports", ABSENT, f"none in {job.at('/dev')}", mend, found={"ports": []})
        return
    yield from side_by_side(lambda port: [_searched(job, port, opener)], ports)


def _searched(job: Job, port: str, opener: Opener) -> Finding:
    name = f"serial port {Path(port).name}"
    first = port_finding(job, name, port, needed=False)
    if first.state != OK:
        return first
    try:
        spoken = speaking_baud(str(job.at(port)), [], opener)
    except Exception as error:  # as above
        detail, mend = fault_text(port, error)
        return Finding(name, PROBLEM, detail, mend, found=first.found)
    if spoken is None:
        return Finding(name, OK, f"{first.detail}; no receiver heard on it", found={**first.found, "speaks_at": None})
    baud, heard = spoken
    what = "NMEA" if heard.speaks else "UBX alone"
    mend = f'[gnss] port = "{port}", baud = {baud}' if heard.speaks else f"`asvkit gnss setup {port}`, then NMEA"
    found = {**first.found, "speaks_at": baud, "speaks": what}
    return Finding(name, OK, f"{first.detail}; a receiver speaks {what} at {baud} baud", mend, found=found)
