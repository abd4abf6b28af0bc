"""A receiver's serial port: whether it is there, open to the user, and nobody else's; and what it says."""

import errno
import fcntl
import os
import select
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, time_ns
from typing import Any, Final

from asvtools.doctor.device_users import sees_all, users_of
from asvtools.doctor.finding import ABSENT, OK, PROBLEM, Finding, Job
from asvtools.doctor.nmea_sample import Chunk, Sample, sample, sentences_in

PORTS: Final = ("/dev/ttyUSB*", "/dev/ttyACM*", "/dev/ttyAMA*", "/dev/ttyS*", "/dev/serial[0-9]*")
BAUDS: Final = (9600, 38400, 115200, 4800, 57600, 19200, 230400, 460800, 921600)  # the likeliest first
SCAN_S: Final = 1.2  # a receiver at 1 Hz speaks once
_ENOUGH: Final = 3  # sentences after which a scan goes no further
_CHUNK: Final = 4096
_ENOUGH_BYTES: Final = 1 << 20  # a line that pours is no receiver

Opener = Callable[[str, int], Any]


def open_line(port: str, baud: int) -> Any:
    """A serial line, locked, with nothing of before in its buffer. Whatever pyserial raises gets out."""
    from serial import Serial

    return Serial(port, baud, timeout=0, exclusive=True)


@contextmanager
def claimed(port: str | None) -> Iterator[None]:
    """Holds the lock of a serial device, as a unit does that has it; OSError where another has."""
    if port is None:
        yield
        return
    device = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(device, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(device)


def listen(line: Any, seconds: float, enough: int = 0) -> list[Chunk]:
    """What comes in that time; less once there are `enough` sentences. OSError where the line is lost."""
    chunks: list[Chunk] = []
    poll = select.poll()
    poll.register(line.fileno(), select.POLLIN)
    end, size, left = monotonic() + seconds, 0, seconds
    while left > 0 and size < _ENOUGH_BYTES:  # what is there is read in any case, however late this runs
        left = end - monotonic()
        if not poll.poll(max(0.0, left * 1000)):
            break
        data = os.read(line.fileno(), _CHUNK)
        if not data:
            raise OSError(errno.EIO, "the line was lost while listening")
        chunks.append((time_ns(), data))
        size += len(data)
        if enough and sentences_in(b"".join(each for _time, each in chunks)) >= enough:
            break
    return chunks


def heard_at(port: str, baud: int, seconds: float, opener: Opener = open_line, enough: int = 0) -> Sample:
    """What the port says at one baud rate."""
    with opener(port, baud) as line:
        return sample(listen(line, seconds, enough))


def speaking_baud(port: str, tried: Sequence[int], opener: Opener = open_line) -> tuple[int, Sample] | None:
    """The baud rate at which the port speaks NMEA or UBX; None: none of the usual ones. Faults of the line get out."""
    for baud in (each for each in BAUDS if each not in tried):
        with suppress(ValueError):  # a rate that the line does not have
            found = heard_at(port, baud, SCAN_S, opener, _ENOUGH)
            if found.speaks or found.ubx:
                return baud, found
    return None


def candidates(job: Job) -> list[str]:
    """The serial ports of this machine, each once; PCs show ttyS nodes with no hardware behind them."""
    found: dict[str, None] = {}
    for path in job.glob(*PORTS):
        device = job.real(path)
        name = Path(device).name
        hardware = job.read(f"/sys/class/tty/{name}/type")
        if not (name.startswith("ttyS") and hardware in ("", "0") and not job.is_pi):
            found[device] = None
    return list(found)


def port_finding(job: Job, name: str, port: str, needed: bool) -> Finding:
    """Whether a unit could open it: there, a serial line, allowed, free."""
    path = job.at(port)
    try:
        status = path.stat()
    except OSError as error:
        return _absent(job, name, port, needed, error)
    device = job.real(port)
    owner = _owner(status)
    found: dict[str, Any] = {"port": port, "device": device, "mode": stat.filemode(status.st_mode), **owner}
    where = port if device == port else f"{port} ({device})"
    whose = f"{found['mode']} {owner['owner']}:{owner['group']}"
    if job.root == Path("/") and not stat.S_ISCHR(status.st_mode):
        mend = "give the receiver's device as gnss.port, as /dev/ttyAMA0 or /dev/ttyUSB0"
        return Finding(name, PROBLEM, f"{where} is no serial line", mend, needed, found)
    users = users_of(job, port)
    if users:
        found["users"] = [{"process": user.number, "name": user.name} for user in users]
        detail = f"{where} is in use by {', '.join(map(str, users))}"
        return Finding(name, PROBLEM, detail, "; ".join(dict.fromkeys(user.mend for user in users)), needed, found)
    if not os.access(path, os.R_OK | os.W_OK):
        detail = f"{where}: no permission ({whose})"
        return Finding(name, PROBLEM, detail, _access(path, status, str(owner["group"])), needed, found)
    return Finding(name, OK, f"{where}, {whose}", "", needed, found)


def fault_text(port: str, error: BaseException) -> tuple[str, str]:
    """What kept a port from being opened or read, and the mend."""
    number = next((one for one in error.args[:1] if isinstance(one, int)), 0)
    if number in (errno.EAGAIN, errno.EBUSY):
        unseen = "" if sees_all() else "; to see which: `sudo asvkit doctor ...`"
        return f"{port}: another program has it open", f"end that program: `sudo fuser -v {port}` names it{unseen}"
    if number in (errno.EACCES, errno.EPERM):
        return f"{port}: no permission", f"`ls -l {port}` tells its group"
    text = os.strerror(number) if number else " ".join(str(error).split())[:120]
    return f"{port}: {text}", "look at its plug and wiring; unplug it and plug it in again"


def _owner(status: os.stat_result) -> dict[str, str]:
    import grp
    import pwd

    names = {"owner": str(status.st_uid), "group": str(status.st_gid)}
    with suppress(KeyError):
        names["owner"] = pwd.getpwuid(status.st_uid).pw_name
    with suppress(KeyError):
        names["group"] = grp.getgrgid(status.st_gid).gr_name
    return names


def _access(path: Path, status: os.stat_result, group: str) -> str:
    if not status.st_gid or status.st_mode & 0o060 != 0o060:  # as a console leaves it
        return "it is its owner's alone: turn a console on it off (`sudo raspi-config`), or give it a group (udev)"
    return f"join its group: `sudo usermod -aG {group} $USER`, then log in again"


def _absent(job: Job, name: str, port: str, needed: bool, error: OSError) -> Finding:
    if error.errno in (errno.EACCES, errno.EPERM):
        return Finding(name, PROBLEM, f"{port}: its folder is closed to this user", "run as the unit's user", needed)
    others = [each for each in candidates(job) if not users_of(job, each)]
    mend = f"set gnss.port to one that is there: {', '.join(others)}" if others else "plug the receiver in"
    if job.is_pi and Path(port).name.startswith(("serial", "ttyAMA", "ttyS")):
        mend = "turn the header's serial port on: `sudo raspi-config nonint do_serial_hw 0`, then `sudo reboot`"
    state = PROBLEM if needed else ABSENT
    return Finding(name, state, f"{port} is not there", mend, needed, {"port": port, "others": others})
