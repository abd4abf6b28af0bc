"""The radio by frames of an interface, 802.11p or any Ethernet: what it is, the right to use it, who is heard."""

import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from asvtools.doctor.finding import OK, PROBLEM, SKIPPED, Finding, Job
from asvtools.doctor.radio_heard import Heard
from asvtools.doctor.rights import service_keys
from asvtools.radio_card import Machine, Ran, is_up
from asvtools.radio_check import check
from asvtools.radio_rows import Row
from asvunit.config import RadioTable
from asvunit.radio.ethernet import ETHERTYPE, HEADER_BYTES
from asvunit.radio.interface import PERMISSION, permitted

_RADIOTAP: Final = "803"  # ARPHRD of monitor interfaces
_NOT_THERE: Final = 127
_LONGEST: Final = 2048
_OUTGOING: Final = 4  # PACKET_OUTGOING
_SERVICE: Final = "docs/radio.md, Rights"


def check_ocb(job: Job, table: RadioTable) -> Iterator[Finding]:
    """Interface, monitor, right, other units."""
    name = table.interface
    if name is None:
        mend = "name one of `ip -br link`, as wlan0"
        yield Finding("radio", PROBLEM, 'radio.interface is missing: kind = "ocb" needs it', mend, True)
        return
    machine = Machine(job.root, lambda words: _run(job, words))
    if name not in machine.interfaces():
        known = [each for each in machine.interfaces() if each != "lo"]
        mend = f"plug the card in, or set radio.interface to one of {', '.join(known)}" if known else "plug the card in"
        found = {"interface": name, "rows": {}}
        yield Finding("radio interface", PROBLEM, f"there is no interface {name}", mend, True, found)
        return
    rows = check(machine, name).rows
    yield from (_finding(name, row, rows) for row in rows if row.what != "power")
    if table.monitor:
        yield _monitor(machine, table.monitor)
    allowed = permitted()
    yield _right(job, allowed)
    if allowed and is_up(machine, name):
        yield _heard(job, name)


def _run(job: Job, words: Sequence[str]) -> Ran:
    printed = job.run(words)
    return Ran(_NOT_THERE) if printed is None else Ran(0, printed)


def _finding(name: str, row: Row, rows: Sequence[Row]) -> Finding:
    found: dict[str, Any] = {}
    if row.what == "card":
        found = {"interface": name, "rows": {each.what: each.reason or each.state for each in rows}}
    return Finding(f"radio {row.what}", PROBLEM if row.state == "problem" else OK, row.detail, row.mend, True, found)


def _monitor(machine: Machine, name: str) -> Finding:
    title = "radio monitor"
    if name not in machine.interfaces():
        mend = f"`sudo asvkit radio setup WLAN --monitor {name}` makes it, or leave radio.monitor out"
        return Finding(title, PROBLEM, f"there is no interface {name}: received power is not told", mend, True)
    if machine.read(f"/sys/class/net/{name}/type") != _RADIOTAP:
        return Finding(title, PROBLEM, f"{name} is no monitor interface", "leave radio.monitor out, or name one", True)
    if not is_up(machine, name):
        return Finding(title, PROBLEM, f"{name} is down", f"`sudo ip link set {name} up`", True)
    return Finding(title, OK, f"{name}: received power is told", "", True)


def _right(job: Job, allowed: bool) -> Finding:
    """Of the service where it is installed, else of this process."""
    name = "radio right"
    keys = service_keys(job)
    found: dict[str, Any] = {"service": None, "here": allowed}
    if keys and keys.get("User", "root") != "root":
        given = PERMISSION in keys.get("AmbientCapabilities", "").split()
        found["service"] = given
        if given:
            return Finding(name, OK, f"{keys['file']} gives {PERMISSION}", "", True, found)
        detail = f"{keys['file']}: the user {keys['User']} gets no {PERMISSION}: packet sockets are refused"
        mend = f"add `AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN`, then `sudo systemctl daemon-reload` ({_SERVICE})"
        return Finding(name, PROBLEM, detail, mend, True, found)
    if allowed:
        return Finding(name, OK, f"this process may open packet sockets ({PERMISSION})", "", True, found)
    detail = f"this process may not open packet sockets: it lacks {PERMISSION}"
    return Finding(name, PROBLEM, detail, f"run it by sudo, or as the service ({_SERVICE})", True, found)


def _heard(job: Job, name: str) -> Finding:
    """Other units on the interface; frames of this machine's own unit are outgoing ones and not counted."""
    heard = Heard(job)
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as receiver:
            receiver.bind((name, ETHERTYPE))
            receiver.setblocking(False)
            until = monotonic() + job.seconds
            while (left := until - monotonic()) > 0 and select.select([receiver], [], [], left)[0]:
                with suppress(OSError):
                    frame, address = receiver.recvfrom(_LONGEST)
                    if address[2] != _OUTGOING:
                        heard.add(frame[6:12].hex(":"), frame[HEADER_BYTES:])
    except OSError as error:
        return Finding("radio heard", SKIPPED, f"{name} cannot be listened to: {error.strerror or error}")
    return heard.finding("", "same channel and width?")
