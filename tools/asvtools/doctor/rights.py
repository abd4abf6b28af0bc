"""Who may use the devices: this user, and the user that the systemd service runs the unit as."""

import grp
import os
import pwd
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, Finding, Job

UNITS: Final = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_KEY: Final = re.compile(r"^\s*(\w+)\s*=\s*(.*?)\s*$", re.MULTILINE)


def check_rights(job: Job) -> Iterator[Finding]:
    """Without a configuration the usual groups; with one, those that its devices belong to."""
    wanted = _wanted(job)
    for name, why in wanted.items():
        yield _own(job, name, why)
    service = service_keys(job)
    if service and job.config is not None:
        yield from _of_service(job, service, wanted)


def _wanted(job: Job) -> dict[str, str]:
    """Groups by name, and what for."""
    if job.config is None:
        return {"dialout": "serial ports", "gpio": "lamps and buzzer"}
    config, wanted = job.config, {}
    ports = [config.gnss.port] if config.gnss.port and config.ego.simulate == "off" else []
    for bus in [config.can, *config.can.bus.values()] if config.can.interface else []:
        if (bus.interface or config.can.interface) == "slcan":
            ports.append(bus.channel.partition("@")[0])
    for port in ports:
        group = _group_of(job.at(port)) or "dialout"
        if group != "root":
            wanted[group] = port
    if config.hmi.gpio in ("auto", "lgpio") and job.is_pi:
        wanted["gpio"] = "lamps and buzzer"
    return wanted


def _group_of(path: Path) -> str | None:
    try:
        return grp.getgrgid(path.stat().st_gid).gr_name
    except (OSError, KeyError):
        return None


def _own(job: Job, name: str, why: str) -> Finding:
    title = f"group {name}"
    mine = {*os.getgroups(), os.getegid()}
    found = {"group": name, "for": why, "member": False}
    try:
        number = grp.getgrnam(name).gr_gid
    except KeyError:
        return Finding(title, ABSENT, "no such group on this machine", "needed only with devices attached", found=found)
    if number in mine or os.geteuid() == 0:
        return Finding(title, OK, f"this user has its rights ({why})", found={**found, "member": True})
    # Whether the device itself is open to the user is tried where it is opened
    detail = f"this user is not in it ({why})"
    if number in {one.gr_gid for one in grp.getgrall() if _login() in one.gr_mem}:
        return Finding(title, ABSENT, f"{detail} in this session, but will be", "log out and in again", found=found)
    return Finding(title, ABSENT, detail, f"`sudo usermod -aG {name} $USER`, then log in again", found=found)


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


def service_keys(job: Job) -> dict[str, str]:
    """Keys of the installed asvkit.service with its path as "file"; empty: not installed."""
    for folder in UNITS:
        path = Path(folder) / "asvkit.service"
        text = job.read(path)
        if text:
            return {**dict(_KEY.findall(text)), "file": str(path)}
    return {}


def _of_service(job: Job, service: dict[str, str], wanted: dict[str, str]) -> Iterator[Finding]:
    user = service.get("User", "root")
    given = set(service.get("SupplementaryGroups", "").split())
    name = "service user"
    found = {"user": user, "groups": sorted(given), "lacks": []}
    if user == "root":
        yield Finding(
            name, OK, "root: it may use everything", "a user of its own is safer: `sudo useradd --system asvkit`"
        )
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        yield Finding(name, PROBLEM, f"{user}: no such user", f"`sudo useradd --system {user}`", True, found)
        return
    given |= {one.gr_name for one in grp.getgrall() if user in one.gr_mem or one.gr_gid == entry.pw_gid}
    lacks = sorted(set(wanted) - given)
    found = {"user": user, "groups": sorted(given), "lacks": lacks}
    if lacks:
        mend = f"`sudo usermod -aG {','.join(lacks)} {user}`, then `sudo systemctl restart asvkit`"
        detail = f"{user} is not in {', '.join(lacks)} ({', '.join(wanted[each] for each in lacks)})"
        yield Finding(name, PROBLEM, detail, mend, True, found)
        return
    if job.file and not _readable_by(job.file, entry.pw_uid, given):
        detail = f"{user} cannot read {job.file}"
        yield Finding(name, PROBLEM, detail, f"`sudo chown :{user} {job.file}; sudo chmod g+r {job.file}`", True, found)
        return
    yield Finding(name, OK, f"{user}, with {', '.join(sorted(wanted)) or 'no group needed'}", "", True, found)


def _readable_by(file: Path, user: int, groups: set[str]) -> bool:
    """By the file's own bits; folders above it are not looked at."""
    try:
        status = file.stat()
    except OSError:
        return False
    owner_group = _group_of(file)
    bits = (0o400 if status.st_uid == user else 0o040 if owner_group in groups else 0o004) & status.st_mode
    return bool(bits)
