"""Who has a serial device: programs that hold it open, a login on it, the kernel's own console.

Looked for before a line is opened: a second reader would take bytes from the first.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asvtools.doctor.finding import Job

_PI_CONSOLE: Final = "turn the console off: `sudo raspi-config nonint do_serial_cons 1`, then `sudo reboot`"
_CONSOLE: Final = "take console={port} out of the kernel's command line and start the machine anew"
_LOGIN_MEND: Final = "turn the login off: `sudo systemctl disable --now serial-getty@{name}`"
# By the beginning of the process's name, which the kernel cuts at 15 characters
_MENDS: Final = {
    "gpsd": (
        'let the unit ask gpsd: [gnss] gpsd = "localhost:2947" in the place of port; '
        "or end it: `sudo systemctl disable --now gpsd.socket gpsd`"
    ),
    "ModemManager": "it takes receivers for modems: `sudo systemctl disable --now ModemManager`",
    "agetty": _LOGIN_MEND,
    "login": _LOGIN_MEND,
    "brltty": "it takes USB serial adapters for Braille displays: `sudo systemctl mask --now brltty`",
    "asvkit": "a unit has it: `sudo systemctl stop asvkit`, or end it where it was started",
}
_PTY_ENDS: Final = frozenset({"/dev/ptmx", "/dev/pts/ptmx"})
KERNEL: Final = "the kernel's console"


@dataclass(frozen=True, slots=True)
class User:
    """One that has a device. `number`: of its process, 0 for the kernel."""

    number: int
    name: str
    mend: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.number})" if self.number else self.name


def users_of(job: Job, port: str) -> list[User]:
    """Everyone who has this device, or is set to have it. Files of other users' processes are seen by root alone."""
    device = job.real(port)
    name = Path(device).name
    found = []
    for number, process, line in job.processes():
        mine = process.startswith("agetty") and re.search(rf"(?:^|[\s/@]){re.escape(name)}(?:$|\s)", line)
        named = process.startswith("gpsd") and any(job.real(word) == device for word in line.split() if "/dev/" in word)
        if mine or named or _holds(job, number, device):
            found.append(User(number, process, _mend(process, number, name)))
    if _is_console(job, device):
        found.append(User(0, KERNEL, _PI_CONSOLE if job.is_pi else _CONSOLE.format(port=name)))
    return found


def sees_all() -> bool:
    """Whether the open files of every process can be seen."""
    return os.geteuid() == 0


def _holds(job: Job, number: int, device: str) -> bool:
    """Whether a process has the device open. One that has a pty's other end as well is the device itself."""
    try:
        links = {os.readlink(each) for each in job.at(f"/proc/{number}/fd").iterdir()}
    except OSError:  # another user's, or gone meanwhile
        return False
    return device in links and not (device.startswith("/dev/pts/") and _PTY_ENDS & links)


def _mend(process: str, number: int, name: str) -> str:
    known = next((text for begin, text in _MENDS.items() if process.startswith(begin)), None)
    return known.format(name=name) if known else f"end that program: `sudo kill {number}`"


def _is_console(job: Job, device: str) -> bool:
    """serial0 in the kernel's command line is the name that the Pi's firmware gives the header's port."""
    for word in job.read("/proc/cmdline").split():
        console = word.removeprefix("console=").partition(",")[0]
        if console != word and job.real(f"/dev/{console}") == device:
            return True
    return False
