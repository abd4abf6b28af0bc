"""CAN network interfaces of the system: up, bit rate, listen-only, the controller's state and its error counters."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, Finding, Job

if TYPE_CHECKING:
    from asvunit.config import CanBusTable

_TYPE: Final = "280"  # ARPHRD_CAN
_UP: Final = 1  # IFF_UP
_NETWORK: Final = "/sys/class/net"
_WIRING: Final = "look at the bit rate, at CAN high and low, and at the termination (60 ohm between them, power off)"
_TRY: Final = "connect a CAN adapter; to try without: `sudo ip link add vcan0 type vcan && sudo ip link set vcan0 up`"


def interfaces(job: Job) -> list[str]:
    """Names of the CAN interfaces that the system has."""
    return [path.name for path in job.glob(f"{_NETWORK}/*") if job.read(path / "type") == _TYPE]


def system_finding(job: Job) -> Finding:
    """Without a configuration: which there are."""
    names = interfaces(job)
    told = [f"{name} {'up' if link_facts(job, name)['up'] else 'down'}" for name in names]
    mend = "" if names else _TRY
    return Finding("can interfaces", OK if names else ABSENT, ", ".join(told) or "none", mend, found={"names": names})


def link_facts(job: Job, channel: str) -> dict[str, Any]:
    """What the system tells of one interface; what it does not tell is None."""
    folder = Path(_NETWORK) / channel
    facts: dict[str, Any] = {
        "interface": channel, "up": False, "virtual": channel.startswith("vcan"), "bitrate": None,
        "data_bitrate": None, "listen_only": None, "state": None, "errors_received": None, "errors_sent": None,
        "bus_errors": None, "dropped": None,
    }  # fmt: skip
    with suppress(ValueError):
        facts["up"] = bool(int(job.read(folder / "flags"), 16) & _UP)
    with suppress(ValueError):
        facts["dropped"] = int(job.read(folder / "statistics" / "rx_dropped"))
    facts.update(_details(job.run(("ip", "-json", "-details", "-statistics", "link", "show", "dev", channel))))
    return facts


def _details(text: str | None) -> dict[str, Any]:
    """What iproute2 adds: the kernel's view of the controller."""
    try:
        link = json.loads(text or "")[0]
        told = link["linkinfo"]
    except (ValueError, LookupError, TypeError):
        return {}
    data = told.get("info_data") or {}
    counters = data.get("berr_counter") or {}
    facts = {
        "virtual": told.get("info_kind") == "vcan",
        "bitrate": (data.get("bittiming") or {}).get("bitrate"),
        "data_bitrate": (data.get("data_bittiming") or {}).get("bitrate"),
        "listen_only": "LISTEN-ONLY" in data.get("ctrlmode", []) if data else None,
        "state": data.get("state"),
        "errors_received": counters.get("rx"),
        "errors_sent": counters.get("tx"),
        "bus_errors": (told.get("info_xstats") or {}).get("bus_error"),
    }
    return {key: value for key, value in facts.items() if value is not None}


def link_finding(job: Job, title: str, key: str, adapter: "CanBusTable") -> Finding:
    """One configured SocketCAN interface. `adapter`: its table there."""
    name, channel = f"{title} link", adapter.channel
    if channel not in interfaces(job):
        return _absent(job, name, key, adapter)
    facts = link_facts(job, channel)
    up = _up_command(adapter, facts["virtual"])
    if not facts["up"]:
        return Finding(name, PROBLEM, f"{channel} is down", up, True, facts)
    words = [f"{channel} up"]
    words += [f"{facts['bitrate']} bit/s"] if facts["bitrate"] else []
    words += [f"data {facts['data_bitrate']} bit/s"] if facts["data_bitrate"] else []
    words += ["listen-only"] if facts["listen_only"] else []
    words += [str(facts["state"]).lower()] if facts["state"] else []
    if facts["errors_received"] is not None:
        words.append(f"error counters rx {facts['errors_received']} tx {facts['errors_sent']}")
    again = f"`sudo ip link set {channel} down`, then {up}"
    state = str(facts["state"] or "")
    wrong: list[tuple[str, str, bool]] = []
    if facts["bitrate"] and adapter.bitrate and facts["bitrate"] != adapter.bitrate:
        wrong.append((f"{key}.bitrate is {adapter.bitrate}", again, True))
    if state in ("BUS-OFF", "ERROR-PASSIVE"):
        restart = f"; then `sudo ip link set {channel} type can restart`" if state == "BUS-OFF" else ""
        wrong.append(("the controller sees errors", _WIRING + restart, True))
    if adapter.listen_only and facts["listen_only"] is False and not facts["virtual"]:
        wrong.append(("not listen-only: it acknowledges frames", again, False))
    detail = "; ".join([", ".join(words), *(text for text, _mend, _needed in wrong)])
    mend = "; ".join(dict.fromkeys(each for _text, each, _needed in wrong))
    needed = any(each for _text, _mend, each in wrong) or not wrong
    return Finding(name, PROBLEM if wrong else OK, detail, mend, needed, facts)


def _absent(job: Job, name: str, key: str, adapter: "CanBusTable") -> Finding:
    others = interfaces(job)
    found = {"interface": adapter.channel, "others": others}
    if adapter.channel.startswith("vcan"):
        mend = (
            f"`sudo modprobe vcan; sudo ip link add {adapter.channel} type vcan; sudo ip link set {adapter.channel} up`"
        )
    elif others:
        mend = f"set {key}.channel to one that is there: {', '.join(others)}"
    else:
        mend = "plug the adapter in (`dmesg | tail` tells of it); on a board, its overlay in /boot/firmware/config.txt"
        mend += " (MCP2515: dtparam=spi=on and dtoverlay=mcp2515-can0,oscillator=12000000,interrupt=25)"
    return Finding(name, PROBLEM, f"{adapter.channel} is not there", mend, True, found)


def _up_command(adapter: "CanBusTable", virtual: bool) -> str:
    if virtual:
        return f"`sudo ip link set {adapter.channel} up`"
    words = f"sudo ip link set {adapter.channel} up type can bitrate {adapter.bitrate or 500_000}"
    if adapter.fd:
        words += f" dbitrate {getattr(adapter, 'data_bitrate', None) or 2_000_000} fd on"
    return f"`{words}{' listen-only on' if adapter.listen_only else ''}`"
