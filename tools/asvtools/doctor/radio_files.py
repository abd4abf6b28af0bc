"""Files of the radio: where its capture goes, and the key of an emergency vehicle."""

import fcntl
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from asvtools.doctor.finding import OK, PROBLEM, SKIPPED, Finding, Job
from asvtools.doctor.rights import service_keys
from asvunit.config import Config
from asvunit.errors import UsageError
from asvunit.radio.pcapng import SECTION

_SCARCE_MB: Final = 1000
_HEAD: Final = SECTION.to_bytes(4, "little")  # of a pcapng file
_FRAME_BYTES: Final = 200  # of a capture, with what stands around a frame; a signed one needs more


def check_files(job: Job) -> Iterator[Finding]:
    """Only what the configuration names."""
    assert job.config is not None
    if job.config.radio.capture:
        yield _capture(job, job.folder / job.config.radio.capture)
    if job.config.emergency.own_key:
        yield _own_key(job, job.folder / job.config.emergency.own_key)
        yield from _in_action(job, job.config)


def _capture(job: Job, file: Path) -> Finding:
    name = "radio capture"
    folder = file.parent
    found: dict[str, Any] = {"file": str(file), "free_mb": None}
    try:
        if file.is_dir():
            return Finding(name, PROBLEM, f"{file} is a folder", "set radio.capture to a file in it", True, found)
        with tempfile.TemporaryFile(dir=folder):
            pass
        found["free_mb"] = shutil.disk_usage(folder).free // 1_000_000
    except OSError as error:
        detail = f"{folder}: {error.strerror or error}"
        return Finding(name, PROBLEM, detail, "make the folder, or name another in radio.capture", True, found)
    if not_written := _not_written(job, file):
        return Finding(name, PROBLEM, f"{file}: {not_written}", "name another file in radio.capture", True, found)
    hours = found["free_mb"] * 1_000_000 / (100 * _FRAME_BYTES * 3600)
    detail = f"{file}, {found['free_mb']} MB free: {hours:.0f} h of ten vehicles heard"
    mend = "free some, or take a larger disk" if found["free_mb"] < _SCARCE_MB else ""
    return Finding(name, OK, detail, mend, True, found)


def _not_written(job: Job, file: Path) -> str:
    """Why the unit would refuse a file that is there, or ""; the file is left as it is."""
    if not file.is_file():
        return ""
    try:
        with file.open("r+b") as there:
            if not job.holder and _locked(there.fileno()):
                return "another unit writes it"
            head = there.read(len(_HEAD))
    except OSError as error:
        return error.strerror or str(error)
    return "" if _HEAD.startswith(head) else "there is something else in it than a pcapng capture"


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)  # else a file system without locks
    return False


def _in_action(job: Job, config: Config) -> Iterator[Finding]:
    """Only what would keep an emergency vehicle from starting; a signal map at fault is told of with the buses."""
    from asvunit.assembly import check_in_action, vehicle_map

    try:
        car = vehicle_map(config, job.folder)
    except UsageError:
        return
    try:
        check_in_action(config, car)
    except UsageError as error:
        what, _, mend = str(error).partition("; ")
        yield Finding("in action", PROBLEM, what, mend, True)


def _own_key(job: Job, file: Path) -> Finding:
    """It can be read, by the service's user if there is one, and by nobody else."""
    from asvunit.radio.own_key import load_own_key

    name = "own key"
    user = service_keys(job).get("User", "")
    found: dict[str, Any] = {"file": str(file), "id": None, "user": user or None}
    try:
        owner = file.stat().st_uid
    except OSError:
        owner = os.geteuid()  # what is wrong is told by reading it
    if user and _number(user) not in (0, owner):
        detail = f"{file} is not the service's user's: {user} cannot read it"
        return Finding(name, PROBLEM, detail, f"`sudo chown {user} {file}; sudo chmod 600 {file}`", True, found)
    if owner not in (0, os.geteuid()):
        mend = f"as that user: `sudo -u '#{owner}' asvkit doctor ...`"
        return Finding(name, SKIPPED, f"{file} is another user's: not read", mend, True, found)
    try:
        key = load_own_key(file)
    except UsageError as error:
        what, _, mend = str(error).partition("; ")
        return Finding(name, PROBLEM, what, mend, True, found)
    found["id"] = f"{key.key_id:#010x}"
    return Finding(name, OK, f"{file}: key {found['id']}, read by its owner alone", "", True, found)


def _number(user: str) -> int:
    """Of a user; root's, who may read all, where there is no such user: `service user` tells that."""
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return 0
