"""The radio over UDP, and the ports beside it: can it be opened, which way does it go, who is heard.

Nothing goes on the air: own frames are tried by a probe that stays on this machine, and where the address would carry
it out, only the way is asked for. IEEE 802.11p (OCB) is not driven by this version; what is there is told.
"""

import errno
import ipaddress
import os
import select
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Finding, Job, plural
from asvtools.doctor.offline import PROBE

_MESSAGE_BYTES: Final = 100
_LONGEST: Final = 2048
_PROBE_S: Final = 1.0
_PORTS: Final = "`sudo ss -ulpn` tells which program; end it, or set another"
_OCB_TYPES: Final = ("801", "802", "803")  # ARPHRD of raw 802.11
_WORKS_ON: Final = "this version speaks UDP; over a modem's own network address it works as over any network"


def check_radio(job: Job) -> Iterator[Finding]:
    """The configured radio and, where it is used, the port of other support systems."""
    if job.config is None:
        yield from _modems(job)
        return
    config = job.config.radio
    if config.kind == "off":
        yield Finding("radio", SKIPPED, "radio.kind is off: no vehicle is heard, and none hears this one")
    else:
        try:
            address = ipaddress.IPv4Address(config.address)
        except ValueError:
            mend = "give a broadcast (192.168.1.255) or multicast address; 127.255.255.255 stays on this machine"
            yield Finding("radio", PROBLEM, f"{config.address!r} is no IPv4 address", mend, True)
            return
        yield from _radio(job, address, config.port)
    yield from _modems(job)
    yield from _supports(job)


def _radio(job: Job, address: ipaddress.IPv4Address, port: int) -> Iterator[Finding]:
    way = _way(address, port)
    if isinstance(way, OSError):
        detail = f"no way to {address}: {way.strerror or way}"
        yield Finding("radio way", PROBLEM, detail, _way_mend(address), True, {"address": str(address), "from": None})
    else:
        yield _kind(job, address, port, way)
    try:
        receiver = _open(address, port)
    except OSError as error:
        detail = f"UDP port {port}: {error.strerror or error}"
        used = error.errno == errno.EADDRINUSE
        mend = f"{_PORTS} radio.port" if used else "ports below 1024 are root's: set radio.port to 47100"
        yield Finding("radio port", PROBLEM, detail, mend, True, {"port": port})
        return
    with receiver:
        yield Finding("radio port", OK, f"UDP port {port} can be opened, and shared with other units", "", True,
                      {"port": port})  # fmt: skip
        if not isinstance(way, OSError):
            yield _own_frames(job, address, port, receiver)
        yield _heard(job, receiver, way if isinstance(way, str) else "")


def _open(address: ipaddress.IPv4Address, port: int) -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        receiver.setblocking(False)
        receiver.bind(("", port))
        if address.is_multicast:
            with suppress(OSError):  # without a network; the way tells of that
                receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, address.packed + bytes(4))
    except OSError:
        receiver.close()
        raise
    return receiver


def _way(address: ipaddress.IPv4Address, port: int) -> str | OSError:
    """The own address that frames leave from: the route is asked for, nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            sender.connect((str(address), port))
        except OSError as error:
            return error
        return str(sender.getsockname()[0])


def _way_mend(address: ipaddress.IPv4Address) -> str:
    if address.is_loopback:
        return "`sudo ip link set lo up`"
    if address.is_multicast:
        return f"connect the radio's network, or send multicast its way: `sudo ip route add {address} dev wlan0`"
    return "connect the radio's network (`ip -brief address` shows what is there), or correct radio.address"


def _kind(job: Job, address: ipaddress.IPv4Address, port: int, own: str) -> Finding:
    name = "radio way"
    broadcasts = _broadcasts(job)
    found: dict[str, Any] = {"address": str(address), "from": own, "broadcasts": broadcasts}
    detail = f"UDP to {address}, port {port}, from {own}"
    if address.is_loopback:
        mend = "for other vehicles, set radio.address to the broadcast address of the radio's network"
        yours = f": {' or '.join(broadcasts)}" if broadcasts else ""
        return Finding(name, OK, f"{detail}: units of this machine alone", mend + yours, True, found)
    if address.is_multicast or str(address) in (*broadcasts, "255.255.255.255"):
        return Finding(name, OK, detail, "", True, found)
    mend = f"set radio.address to {' or '.join(broadcasts)}" if broadcasts else "`ip address` tells the one after brd"
    text = f"{detail}: no broadcast address of this machine's networks"
    return Finding(name, PROBLEM, f"{text}, so one machine at most would hear it", mend, True, found)


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


def _own_frames(job: Job, address: ipaddress.IPv4Address, port: int, receiver: socket.socket) -> Finding:
    """Whether this machine hears what it sends, by a probe that does not leave it."""
    name = "radio own frames"
    if not (address.is_loopback or address.is_multicast):
        return Finding(name, SKIPPED, "not tried: a broadcast would go on the air", found={"heard": None})
    if _shared(job, port):
        detail = "not tried: another program has the port, and would hear the probe"
        return Finding(name, SKIPPED, detail, found={"heard": None})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, struct.pack("b", 0))  # this machine alone
        try:
            sender.sendto(PROBE, (str(address), port))
        except OSError as error:
            return Finding(name, PROBLEM, error.strerror or str(error), _way_mend(address), True, {"heard": False})
        end = monotonic() + _PROBE_S
        while (left := end - monotonic()) > 0 and select.select([receiver], [], [], left)[0]:
            if receiver.recv(_LONGEST) == PROBE:
                return Finding(name, OK, "a probe that stays on this machine was heard", "", True, {"heard": True})
    mend = "let UDP to that port in: the firewall (`sudo nft list ruleset`, `sudo ufw status`)"
    return Finding(name, PROBLEM, "a probe that stays on this machine was not heard", mend, True, {"heard": False})


def _shared(job: Job, port: int) -> bool:
    """Whether others have the port open, by the kernel's table; this process's own socket is one of its lines."""
    lines = job.read("/proc/net/udp").splitlines()[1:]
    return sum(line.split()[1].endswith(f":{port:04X}") for line in lines if len(line.split()) > 1) > 1


def _heard(job: Job, receiver: socket.socket, own: str) -> Finding:
    """Other units within the time; those of this machine send from it too."""
    from asvunit.ports import TRAILER_BYTES, TRAILER_MARK

    signed = _MESSAGE_BYTES + TRAILER_BYTES
    frames: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    end = monotonic() + job.seconds
    while (left := end - monotonic()) > 0 and select.select([receiver], [], [], left)[0]:
        try:
            payload, (host, port) = receiver.recvfrom(_LONGEST)
        except OSError:
            continue
        if payload == PROBE:
            continue
        whole = len(payload) == _MESSAGE_BYTES
        trailed = len(payload) == signed and payload[_MESSAGE_BYTES:].startswith(TRAILER_MARK)
        if whole or trailed:
            frames[f"{host}:{port}"] += 1
        kinds["message" if whole else "signed" if trailed else "malformed"] += 1
    name = "radio heard"
    found = {
        "units": dict(sorted(frames.items())), "messages": kinds["message"], "signed": kinds["signed"],
        "malformed": kinds["malformed"],
    }  # fmt: skip
    bad = f"; {plural(kinds['malformed'], 'datagram')} of another form" if kinds["malformed"] else ""
    if not frames:
        state = PROBLEM if kinds["malformed"] else ABSENT
        mend = "start another unit, or `asvkit peer --scenario crossing --config unit.toml`; same address and port?"
        if bad:
            mend = "another program uses this port: set another radio.port on all units"
        return Finding(name, state, f"no other unit in {job.seconds:g} s{bad}", mend, False, found)
    told = ", ".join(f"{each} {count / job.seconds:.0f}/s" for each, count in frames.most_common(4))
    more = f" and {len(frames) - 4} more" if len(frames) > 4 else ""
    trailers = f", {kinds['signed']} signed" if kinds["signed"] else ""
    here = " (this machine's own)" if own and all(each.rpartition(":")[0] == own for each in frames) else ""
    detail = f"{plural(len(frames), 'unit')}{here}: {told}{more}{trailers}{bad}"
    return Finding(name, OK, detail, "", False, found)


def _modems(job: Job) -> Iterator[Finding]:
    """Interfaces that could be 802.11p: told, not driven."""
    wireless = [path.parent.name for path in job.glob("/sys/class/net/*/phy80211")]
    raw = [path.name for path in job.glob("/sys/class/net/*") if job.read(path / "type") in _OCB_TYPES]
    names = sorted({*wireless, *raw})
    if not names:
        return
    ocb = [name for name in names if "type ocb" in (job.run(("iw", "dev", name, "info")) or "").lower()]
    detail = f"wireless interfaces: {', '.join(names)}"
    detail += f"; in OCB mode (802.11p): {', '.join(ocb)}" if ocb else "; none in OCB mode (802.11p)"
    yield Finding("radio modem", OK if ocb else ABSENT, detail, _WORKS_ON, found={"wireless": names, "ocb": ocb})


def _supports(job: Job) -> Iterator[Finding]:
    assert job.config is not None
    config = job.config.supports
    if config.port is None or job.holder:
        return
    found = {"address": config.address, "port": config.port}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        try:
            receiver.bind((config.address, config.port))
        except OSError as error:
            used = error.errno == errno.EADDRINUSE
            mend = f"{_PORTS} supports.port" if used else "supports.address is an own address: `ip -brief address`"
            detail = f"UDP {config.address}:{config.port}: {os.strerror(error.errno or 0)}"
            yield Finding("supports", PROBLEM, detail, mend, True, found)
            return
    yield Finding("supports", OK, f"UDP {config.address}:{config.port} can be opened", "", True, found)
