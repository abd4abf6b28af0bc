"""How a user gets at a device that is closed to him: the group it belongs to, and the mend in words."""

import grp
import os
from pathlib import Path


def group_of(path: str | Path) -> str:
    """The name of a device's group, or its number where it has none. OSError where there is no device."""
    number = os.stat(path).st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def access_mend(path: str | Path) -> str:
    """What to do to be allowed to use a serial device."""
    try:
        status = os.stat(path)
        if not status.st_gid or status.st_mode & 0o060 != 0o060:  # as of a console
            return (
                "it is its owner's alone: turn a console on it off (raspi-config), or give it to a group by a udev rule"
            )
        group = group_of(path)
    except OSError:
        return "run as a user who may open it"
    return f"add the user to the group {group}: sudo usermod -aG {group} $USER, then log in again"
