"""What a bench file makes of a target: the unit's configuration, what can be done to it, and words for the results."""

from typing import Any, Final

from asvrig.targets.ssh_bench import BenchFile

MENDS: Final = {
    "clock": ": machine.sudo and machine.clock in the bench file allow it",
    "disk_full": ": machine.sudo in the bench file allows it",
    "power": ": power.off and power.on in the bench file say how",
}


def config(bench: BenchFile, room: str) -> dict[str, dict[str, Any]]:
    """The tables that bind a unit to this bench; `room`: the folder there of what stands in for wires."""
    hmi: dict[str, Any] = {"gpio": "lgpio", "self_test": False}
    if bench.pins.see != "edges":
        hmi |= {"gpio": "mock", "record": f"{room}/pins.jsonl", "switches": f"{room}/switches"}
    if bench.pins.map:
        hmi["pins"] = f"{room}/pins.toml"
    return {
        "vehicle": {"map": "bench"},
        "gnss": {"port": bench.gnss.port if bench.gnss.line else f"{room}/gnss", "baud": bench.gnss.baud},
        "can": _can(bench, room),
        "radio": _radio(bench),
        "hmi": hmi,
        "events": {"socket": f"{room}/events"},
    }


def _can(bench: BenchFile, room: str) -> dict[str, Any]:
    table = bench.can
    if not table.bus:
        return {"interface": "slcan", "channel": f"{room}/can", "bitrate": table.bitrate}
    told: dict[str, Any] = {"interface": table.interface, "channel": table.channel}
    if table.bitrate and table.interface not in ("socketcan", "udp_multicast"):  # those have it from elsewhere, or none
        told["bitrate"] = table.bitrate
    if table.options:
        told["options"] = dict(table.options)
    return told


def _radio(bench: BenchFile) -> dict[str, Any]:
    table = bench.radio
    told: dict[str, Any] = {"kind": table.kind}
    if table.kind == "udp":
        told |= {"address": table.address, "port": table.port}
    if table.unit_interface:
        told["interface"] = table.unit_interface
    return told


def abilities(bench: BenchFile, *, root: bool, small_disk: bool) -> frozenset[str]:
    """Of `asvrig.targets.target.ABILITIES`."""
    pins = bench.pins
    able = {
        "unplug": not bench.gnss.line and not bench.can.bus,
        "switches": pins.see == "record" or {"mute", "request"} <= set(pins.press),
        "pins": pins.see != "none",
        "pwm": bool(pins.tones),
        "air": True,
        "ocb": bench.radio.kind == "ocb",
        "clock": root and bench.machine.clock,
        "disk_full": small_disk,
        "hog": True,
        "power": bool(bench.power.on),
        "supervisor": True,
    }
    return frozenset(name for name, is_so in able.items() if is_so)


def devices(bench: BenchFile) -> dict[str, str]:
    """What stands in every result."""
    seen = {"record": "mock, by their record", "edges": f"edges at inputs of the {bench.pins.at}", "none": "not seen"}
    return {
        "gnss": bench.gnss.line or "pty on the unit's machine",
        "can": bench.can.bus or "slcan on a pty of the unit's machine",
        "radio": f"{bench.radio.kind} {bench.radio.interface or bench.radio.address}",
        "pins": seen[bench.pins.see],
    }
