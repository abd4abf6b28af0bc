"""The system clock: plausible or not, what keeps it, whether it is synchronised, and what could keep it better.

A Raspberry Pi has no battery-backed clock (the 5 has one, its battery is extra): without a network it starts with
the time of its last shutdown.
"""

import ctypes
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, Finding, Job

YEARS: Final = range(2025, 2100)
# By the process's name, cut at 15 characters by the kernel
_KEEPERS: Final = {
    "chronyd": "chrony", "systemd-timesyn": "systemd-timesyncd", "ntpd": "ntpd", "ntpsec": "ntpsec",
    "openntpd": "openntpd", "ptp4l": "linuxptp", "phc2sys": "linuxptp",
}  # fmt: skip
_UNSYNCHRONISED: Final = 0x40  # STA_UNSYNC
_TIME_ERROR: Final = 5


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the kernel says of its clock."""

    synchronised: bool
    error_s: float  # the greatest it may be off


class _Timex(ctypes.Structure):
    """struct timex of the C library, of which the first fields are read."""

    _fields_ = [
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_byte * 256),
    ]  # fmt: skip


def kernel_clock() -> Kernel | None:
    """By adjtimex, which reads only with no mode set; None where the system does not allow it."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        timex = _Timex()
        state = library.adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    synchronised = state != _TIME_ERROR and not timex.status & _UNSYNCHRONISED
    return Kernel(synchronised, timex.maxerror / 1e6)


def check_clock(
    job: Job, kernel: Callable[[], Kernel | None] = kernel_clock, now: Callable[[], float] = time.time
) -> Iterator[Finding]:
    yield _plausible(job, now())
    yield _source(job, kernel())
    yield from _hardware(job, now())


def _plausible(job: Job, now_s: float) -> Finding:
    told = time.gmtime(now_s)
    text = time.strftime("%Y-%m-%dT%H:%M:%SZ", told)
    keyed = bool(job.config and job.config.emergency.keys)
    if told.tm_year in YEARS:
        return Finding("clock", OK, text, found={"utc": text})
    detail = f"{text} is no date of today" + (": signed emergency frames count as stale" if keyed else "")
    mend = "set it: `sudo date -u -s '2026-01-31 12:00:00'` with today's time, or let it follow NTP or the receiver"
    return Finding("clock", PROBLEM, detail, mend, keyed, {"utc": text})


def _source(job: Job, kernel: Kernel | None) -> Finding:
    names = {name: number for number, name, _line in job.processes()}
    keepers = sorted({text for begin, text in _KEEPERS.items() for name in names if name.startswith(begin)})
    found: dict[str, Any] = {"keepers": keepers, "synchronised": None, "source": None, "error_s": None}
    synchronised = kernel.synchronised if kernel else None
    detail = f"kept by {', '.join(keepers)}" if keepers else "no program keeps it"
    if synchronised is None:
        synchronised = _told_by_systemd(job)
    if "chrony" in keepers:
        source, followed = _chrony(job)
        found["source"] = source or None
        synchronised = followed if followed is not None else synchronised
        detail += f", following {source}" if source else ""
    found["synchronised"] = synchronised
    if kernel and kernel.synchronised:
        found["error_s"] = round(kernel.error_s, 3)
    if synchronised:
        size = f", within {kernel.error_s:.3f} s" if kernel and kernel.synchronised else ""
        return Finding("clock source", OK, f"{detail}; synchronised{size}", found=found)
    state = "not synchronised" if synchronised is False else "the kernel does not tell whether it is synchronised"
    mend = "`sudo apt install chrony`: it follows the network, and the receiver through gpsd where there is none"
    if keepers:
        mend = "give it a network"
        mend += ": `chronyc sources` shows what it hears" if "chrony" in keepers else ": `timedatectl timesync-status`"
        mend += "; in a car let chrony follow the receiver (docs/doctor.md)"
    return Finding("clock source", ABSENT, f"{detail}; {state}", mend, found=found)


def _told_by_systemd(job: Job) -> bool | None:
    said = job.run(("timedatectl", "show", "--property=NTPSynchronized", "--value"))
    return None if said is None or said.strip() not in ("yes", "no") else said.strip() == "yes"


def _chrony(job: Job) -> tuple[str, bool | None]:
    """What chrony follows, and whether it does: the second and the last column of its tracking report."""
    columns = (job.run(("chronyc", "-n", "-c", "tracking")) or "").strip().split(",")
    if len(columns) < 14:
        return "", None
    followed = columns[-1] != "Not synchronised"
    return (columns[1] or columns[0]) if followed else "", followed


def _hardware(job: Job, now_s: float) -> Iterator[Finding]:
    pulses = [str(path) for path in job.glob("/dev/pps[0-9]*")]
    if pulses:
        yield Finding("clock pulse", OK, ", ".join(pulses), found={"devices": pulses})
    elif job.config is not None:
        mend = "only for a clock within microseconds: the receiver's PPS wire to a GPIO, dtoverlay=pps-gpio"
        yield Finding("clock pulse", ABSENT, "no PPS device", mend, found={"devices": []})
    clocks = [path.name for path in job.glob("/sys/class/rtc/rtc[0-9]*")]
    clocks = clocks or [path.name for path in job.glob("/dev/rtc[0-9]*")]
    if not clocks:
        mend = "after power-off the time is lost until a network or a receiver tells it" if job.is_pi else ""
        mend = mend or "with one the time is kept while the machine is off"
        yield Finding("clock battery", ABSENT, "no battery-backed clock (RTC)", mend, found={"devices": []})
        return
    name = clocks[0]
    chip = job.read(f"/sys/class/rtc/{name}/name")
    epoch = job.read(f"/sys/class/rtc/{name}/since_epoch")
    found: dict[str, Any] = {"devices": clocks, "offset_s": None}
    detail = f"{name}{f' ({chip})' if chip else ''}"
    if epoch.isdecimal():
        off_s = int(epoch) - now_s
        found["offset_s"] = round(off_s)
        if abs(off_s) > 120:
            detail += f"; it is {abs(off_s) / 3600:.1f} h {'ahead of' if off_s > 0 else 'behind'} the system clock"
            mend = "once the system clock is right: `sudo hwclock --systohc`; if it forgets again, its battery"
            yield Finding("clock battery", PROBLEM, detail, mend, found=found)
            return
    yield Finding("clock battery", OK, detail, found=found)
