"""The machine below the unit: the service, a unit that runs already, power, temperature, disk."""

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Finding, Job
from asvtools.doctor.rights import service_keys
from asvtools.doctor.running import running_findings

_THROTTLED: Final = {0: "under-voltage now", 1: "slowed down", 2: "throttled now", 3: "too warm now"}
_SINCE: Final = {16: "under-voltage", 17: "slowed down", 18: "throttled", 19: "too warm"}
_POWER_MEND: Final = "a supply that gives the board what it needs (Pi 4: 5.1 V 3 A, Pi 5: 5 A), short thick leads"
_HOT_C: Final = 80.0
_FREE_MB: Final = 100
_FREE_INODES: Final = 1000
_SLOW_S: Final = 0.5
_LOCK: Final = re.compile(r"FLOCK\s+\S+\s+WRITE\s+(-?\d+)\s+([0-9a-f]+):([0-9a-f]+):(\d+)\s")


def running_unit(job: Job) -> str:
    """The unit that runs with this configuration, in words, or "": it locks the file while it runs.

    The kernel's list of locks is asked, and where it does not tell, a shared lock is tried for a moment.
    """
    if job.file is None:
        return ""
    try:
        status = job.file.stat()
        for process, major, minor, inode in _LOCK.findall(job.read("/proc/locks") + "\n"):
            device = os.makedev(int(major, 16), int(minor, 16))
            if int(inode) == status.st_ino and device == status.st_dev:
                return f"a running unit (process {process})" if int(process) > 0 else "a running unit"
        with job.file.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return "a running unit"
    except OSError:  # a file system without locks
        return ""
    return ""


def check_service(job: Job) -> Iterator[Finding]:
    """Whether systemd starts a unit, and whether one runs now."""
    if job.config is not None:
        if job.holder:
            detail = f"{job.holder} has this configuration and its devices: they are left alone"
            mend = "to try them: `sudo systemctl stop asvkit`, or end it where it was started"
            yield Finding("unit", SKIPPED, detail, mend, found={"running": True})
            yield from running_findings(job)
        else:
            yield Finding("unit", OK, "none runs with this configuration", found={"running": False})
    keys = service_keys(job)
    if not keys:
        if job.is_pi or job.config is not None:
            mend = "only to start the unit with the machine: docs/live.md, On a Raspberry Pi"
            yield Finding("service", ABSENT, "asvkit.service is not installed", mend, found={"installed": False})
        return
    enabled = (job.run(("systemctl", "is-enabled", "asvkit")) or "").strip() == "enabled"
    active = (job.run(("systemctl", "is-active", "asvkit")) or "").strip() == "active"
    found: dict[str, Any] = {"installed": True, "file": keys["file"], "enabled": enabled, "active": active}
    words = f"{keys['file']}, {'starts' if enabled else 'does not start'} with the machine, "
    words += "runs" if active else "does not run now"
    program = keys.get("ExecStart", "").split(" ")[0].lstrip("-@+!:")
    if program.startswith("/") and not job.at(program).exists():
        mend = "install asvkit there (docs/live.md), or correct ExecStart and `sudo systemctl daemon-reload`"
        yield Finding("service", PROBLEM, f"{words}; {program} is not there", mend, found=found)
        return
    yield Finding("service", OK, words, "" if enabled else "`sudo systemctl enable --now asvkit`", found=found)


def check_power(job: Job) -> Iterator[Finding]:
    """Under-voltage as a Raspberry Pi tells it, and the warmest sensor."""
    code = _throttled(job)
    if code is not None:
        now = [text for bit, text in _THROTTLED.items() if code >> bit & 1]
        since = [text for bit, text in _SINCE.items() if code >> bit & 1]
        found = {"code": f"{code:#x}", "now": now, "since_start": since}
        told = "; ".join(filter(None, [", ".join(now), f"since the start: {', '.join(since)}" if since else ""]))
        low = any("voltage" in each for each in now + since)
        mend = _POWER_MEND if low else "cool the board"
        yield Finding("power", PROBLEM if told else OK, told or "enough", mend if told else "", found=found)
    elif job.is_pi:
        yield Finding("power", SKIPPED, "the board does not tell", "`sudo apt install raspi-utils` has vcgencmd")
    warm = [int(text) / 1000 for path in job.glob("/sys/class/thermal/thermal_zone*/temp")
            if (text := job.read(path)).lstrip("-").isdecimal()]  # fmt: skip
    if warm:
        hot = max(warm) >= _HOT_C
        mend = "cool it: at 85 C a Raspberry Pi slows down" if hot else ""
        found_c = {"celsius": max(warm)}
        yield Finding("temperature", PROBLEM if hot else OK, f"{max(warm):.0f} C", mend, found=found_c)


def _throttled(job: Job) -> int | None:
    """The firmware's bits; None where there is no such firmware."""
    texts = [job.read(path) for path in job.glob("/sys/devices/platform/soc*/*firmware*/get_throttled")]
    if not texts and job.is_pi:
        texts = [(job.run(("vcgencmd", "get_throttled")) or "").strip().removeprefix("throttled=")]
    for text in filter(None, texts):
        with suppress(ValueError):
            return int(text, 16)
    return None


def check_disk(job: Job) -> Iterator[Finding]:
    """Where events and records go; without any, the current folder, where recordings would be kept."""
    folders = _folders(job)
    if not folders:
        yield Finding("disk", SKIPPED, "neither events nor a record of the pins are written")
    for name, folder, needed in folders:
        yield from _folder(name, folder, needed)
    root = job.read("/proc/mounts")
    overlay = next((line for line in root.splitlines() if line.split(" ")[1:3] == ["/", "overlay"]), "")
    if overlay and job.is_pi:
        detail = "the root is an overlay in memory: what is written is lost at power-off"
        yield Finding("root", PROBLEM, detail, "`sudo raspi-config nonint disable_overlayfs`, or write to another disk")


def _folders(job: Job) -> list[tuple[str, Path, bool]]:
    if job.config is None:
        return [("current folder", Path.cwd(), False)]
    files = {"events": job.config.events.file, "record": job.config.hmi.record}
    named = [(key, (job.folder / file).parent) for key, file in files.items() if file]
    once = {folder.resolve(): (key, folder, True) for key, folder in reversed(named)}
    return [(f"{key} folder", folder, needed) for key, folder, needed in once.values()]


def _folder(name: str, folder: Path, needed: bool) -> Iterator[Finding]:
    found: dict[str, Any] = {"folder": str(folder), "write_s": None}
    try:
        seconds = _write_seconds(folder)
    except OSError as error:
        read_only = error.errno == 30
        why = "the disk is read-only" if read_only else error.strerror or str(error)
        mend = "`sudo mount -o remount,rw /`; if it comes back read-only, the card is failing" if read_only else ""
        mend = mend or ("make the folder, or name another" if needed else "change to a folder of your own")
        yield Finding(name, PROBLEM, f"{folder}: {why}", mend, needed, found)
        return
    found["write_s"] = round(seconds, 4)
    slow = seconds > _SLOW_S
    detail = f"{folder} can be written; 4 KB are on the disk in {seconds * 1000:.0f} ms"
    mend = "a slow or worn card: take a better one (A1, endurance)" if slow else ""
    yield Finding(name, PROBLEM if slow else OK, detail, mend, False, found)
    yield _free(folder, "free disk" if name == "current folder" else name.replace("folder", "disk"), needed)


def _write_seconds(folder: Path) -> float:
    """How long 4 KB take to the disk."""
    with tempfile.TemporaryFile(dir=folder) as file:
        began = time.monotonic()
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())
        return time.monotonic() - began


def _free(folder: Path, name: str, needed: bool) -> Finding:
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    status = os.statvfs(folder)
    scarce = status.f_files > 0 and status.f_favail < _FREE_INODES
    found = {"free_mb": free_mb, "free_inodes": status.f_favail if status.f_files else None}
    detail = f"{free_mb} MB free" + (f", {status.f_favail} more files" if status.f_files else "")
    if free_mb < _FREE_MB or scarce:
        mend = f"free at least {_FREE_MB} MB: `du -xh / 2>/dev/null | sort -h | tail` shows what is large"
        return Finding(name, PROBLEM, detail, mend, needed and free_mb < 1, found)
    return Finding(name, OK, detail, found=found)
