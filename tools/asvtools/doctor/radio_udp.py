"""The radio over UDP, IPv4 or IPv6: the way its frames take, the port, own frames, other units."""

import errno
import select
import socket
from collections.abc import Iterator
from time import monotonic
from typing import Any, Final

from asvtools.doctor.finding import OK, PROBLEM, SKIPPED, Finding, Job
from asvtools.doctor.offline import PROBE
from asvtools.doctor.radio_heard import Heard
from asvunit.config import RadioTable
from asvunit.errors import UsageError
from asvunit.radio.endpoint import Endpoint, endpoint, source_text

PORTS_MEND: Final = "`sudo ss -ulpn` tells which program; end it, or set another"
_LONGEST: Final = 2048
_PROBE_S: Final = 1.0


def check_udp(job: Job, table: RadioTable) -> Iterator[Finding]:
    """Way, port, own frames and other units; a wrong address is the only finding."""
    try:
        end = endpoint(table.address, table.port, table.interface)
    except UsageError as error:
        what, _, mend = str(error).partition("; ")
        yield Finding("radio", PROBLEM, what, mend, True)
        return
    port = table.port
    way = _way(end)
    if isinstance(way, OSError):
        by = f" by {end.interface}" if end.interface else ""
        detail = f"no way to {end.address}{by}: {way.strerror or way}"
        found = {"address": str(end.address), "from": None}
        yield Finding("radio way", PROBLEM, detail, _way_mend(end), True, found)
    else:
        yield _kind(job, end, way)
    try:
        receiver = _open(end)
    except OSError as error:
        detail = f"UDP port {port}: {error.strerror or error}"
        used = error.errno == errno.EADDRINUSE
        mend = f"{PORTS_MEND} radio.port" if used else "ports below 1024 are root's: set radio.port to 47100"
        yield Finding("radio port", PROBLEM, detail, mend, True, {"port": port})
        return
    with receiver:
        detail = f"UDP port {port} can be opened, and shared with other units"
        yield Finding("radio port", OK, detail, "", True, {"port": port})
        if not isinstance(way, OSError):
            yield _own_frames(job, end, receiver)
        yield _heard(job, receiver, way if isinstance(way, str) else "")


def _open(end: Endpoint) -> socket.socket:
    receiver = socket.socket(end.family, socket.SOCK_DGRAM)
    try:
        receiver.setblocking(False)
        end.prepare_receiver(receiver)
        if end.address.is_multicast:
            end.join(receiver, end.index())  # in vain without a network; the way tells of that
    except OSError:
        receiver.close()
        raise
    return receiver


def _way(end: Endpoint) -> str | OSError:
    """The own address that frames leave from: the route is asked for, nothing is sent."""
    with socket.socket(end.family, socket.SOCK_DGRAM) as sender:
        try:
            if end.family == socket.AF_INET:
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            end.send_by(sender, end.index())
            sender.connect(end.target(end.index()))
        except OSError as error:
            return error
        return str(sender.getsockname()[0]).partition("%")[0]


def _way_mend(end: Endpoint) -> str:
    if end.address.is_loopback:
        return "`sudo ip link set lo up`"
    if end.address.version == 6:
        name = end.interface or "wlan0"
        return f"{name} needs an IPv6 address of its own: `ip -6 address show {name}`; fe80:: is enough for ff02::"
    if end.address.is_multicast and end.interface:
        return f"{end.interface} needs to be up, and an IPv4 address of its own: `ip -br address show {end.interface}`"
    if end.address.is_multicast:
        return f"connect the radio's network, or send multicast its way: `sudo ip route add {end.address} dev wlan0`"
    return "connect the radio's network (`ip -brief address` shows what is there), or correct radio.address"


def _kind(job: Job, end: Endpoint, own: str) -> Finding:
    name = "radio way"
    address = end.address
    broadcasts = _broadcasts(job)
    found: dict[str, Any] = {"address": str(address), "from": own, "broadcasts": broadcasts}
    detail = f"UDP to {address}, port {end.port}, from {own}" + (f" by {end.interface}" if end.interface else "")
    if address.is_loopback:
        mend = "for other vehicles, set radio.address to the broadcast address of the radio's network"
        yours = f": {' or '.join(broadcasts)}" if broadcasts else ""
        return Finding(name, OK, f"{detail}: units of this machine alone", mend + yours, True, found)
    if address.is_multicast or str(address) in (*broadcasts, "255.255.255.255"):
        return Finding(name, OK, detail, "", True, found)
    mend = f"set radio.address to {' or '.join(broadcasts)}" if broadcasts else "`ip address` tells the one after brd"
    if address.version == 6:
        mend = 'for all on a network: radio.address = "ff02::4710" and radio.interface'
    if str(address).endswith(".255"):  # meant as a broadcast address, and none of a network here
        text = f"{detail}: no broadcast address of this machine's networks"
        return Finding(name, PROBLEM, f"{text}, so one machine at most would hear it", mend, True, found)
    return Finding(name, OK, f"{detail}: one machine, and no other hears it", mend, True, found)


def _broadcasts(job: Job) -> list[str]:
    """Broadcast addresses of the networks that this machine is in, without loopback's, from the routing trie."""
    found, last = set(), ""
    for line in job.read("/proc/net/fib_trie").splitlines():
        text = line.strip()
        if text.startswith("|-- "):
            last = text[4:]
        elif text == "/32 link BROADCAST" and not last.startswith(("127.", "0.")) and last.endswith("255"):
            found.add(last)
    return sorted(found)


def _own_frames(job: Job, end: Endpoint, receiver: socket.socket) -> Finding:
    """Whether this machine hears what it sends, by a probe that does not leave it."""
    name = "radio own frames"
    if not (end.address.is_loopback or end.address.is_multicast):
        return Finding(name, SKIPPED, "not tried: a broadcast would go on the air", found={"heard": None})
    if _shared(job, end.port):
        detail = "not tried: another program has the port, and would hear the probe"
        return Finding(name, SKIPPED, detail, found={"heard": None})
    with socket.socket(end.family, socket.SOCK_DGRAM) as sender:
        try:
            end.prepare_sender(sender, 0, 0)  # no hop: this machine alone
            sender.sendto(PROBE, end.target(end.index()))
        except OSError as error:
            return Finding(name, PROBLEM, error.strerror or str(error), _way_mend(end), True, {"heard": False})
        until = monotonic() + _PROBE_S
        while (left := until - monotonic()) > 0 and select.select([receiver], [], [], left)[0]:
            if receiver.recv(_LONGEST) == PROBE:
                return Finding(name, OK, "a probe that stays on this machine was heard", "", True, {"heard": True})
    mend = "let UDP to that port in: the firewall (`sudo nft list ruleset`, `sudo ufw status`)"
    return Finding(name, PROBLEM, "a probe that stays on this machine was not heard", mend, True, {"heard": False})


def _shared(job: Job, port: int) -> bool:
    """Whether others have the port open, by the kernel's tables; this process's own socket is one of their lines."""
    lines = [line for path in ("/proc/net/udp", "/proc/net/udp6") for line in job.read(path).splitlines()[1:]]
    return sum(line.split()[1].endswith(f":{port:04X}") for line in lines if len(line.split()) > 1) > 1


def _heard(job: Job, receiver: socket.socket, own: str) -> Finding:
    """Other units within the time; those of this machine send from it too."""
    heard = Heard(job)
    until = monotonic() + job.seconds
    while (left := until - monotonic()) > 0 and select.select([receiver], [], [], left)[0]:
        try:
            payload, address = receiver.recvfrom(_LONGEST)
        except OSError:
            continue
        if payload != PROBE:
            heard.add(source_text(str(address[0]).partition("%")[0], address[1]), payload)
    return heard.finding(own)
