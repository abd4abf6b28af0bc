"""A full CAN bus of which 6 identifiers matter: what the live input takes, beside plain python-can and cantools.

Both read the same traffic, from a process of its own that gives eight frames a millisecond, as USB does: an slcan
adapter on a pty, and python-can's multicast bus. Plain: `for message in bus: database.decode_message(...)`, each frame.
SocketCAN, whose kernel filters before it is read, cannot be measured on machines without it.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import tty
from pathlib import Path
from typing import Any, cast

import can
import cantools
from common import Row

from asvrig.live.radio import free_udp_port
from asvunit.adapters.can_bus import CanBus
from asvunit.ports import Link
from asvunit.vehicle import VehicleMap

NAME = "CAN bus"
RATE = 8000  # frames a second
MESSAGES, WANTED = 100, 6
SECONDS, ROUNDS = 5.0, 3
SETTLE_S = 0.3
BATCH_S = 0.001
ADAPTER_BYTES = 16_384  # that an adapter stores while its host does not read; then it loses frames
GROUP = "239.74.163.2"  # of python-can's bus between programs
STOP = 0x7FF  # ends the traffic
SIGNALS = ("SPEED", "BRAKE", "WINKER", "HAZARD", "SHIFT", "PEDAL")
MAP = """\
map = 1
name = "benchmark"

[database]
file = "car.dbc"

[signal.speed]
from = "M0.SPEED"
unit = "km/h"

[signal.brake]
from = "M1.BRAKE"
values = {0 = "off", 1 = "on"}

[signal.winker]
from = "M2.WINKER"
values = {0 = "off", 1 = "left", 2 = "right"}

[signal.hazard]
from = "M3.HAZARD"
values = {0 = "off", 1 = "on"}

[signal.shift]
from = "M4.SHIFT"
values = {0 = "parking", 1 = "drive", 2 = "reverse"}

[signal.accelerator]
from = "M5.PEDAL"
unit = "%"
"""


def identifier(number: int) -> int:
    """Of message `number`: the wanted ones stand among the others."""
    return 0x100 + 7 * number


def database() -> str:
    """A car's database: each message has a signal of 16 bits and six of 8."""
    lines = ['VERSION ""', "NS_ :", "BS_:", "BU_: CAR"]
    for number in range(MESSAGES):
        name = SIGNALS[number] if number < WANTED else "VALUE"
        lines += ["", f"BO_ {identifier(number)} M{number}: 8 CAR"]
        lines.append(f' SG_ {name} : 0|16@1+ (0.01,0) [0|0] "" CAR' if name in ("SPEED", "VALUE") else
                     f' SG_ {name} : 0|16@1+ (1,0) [0|0] "" CAR')  # fmt: skip
        lines += [f' SG_ S{index} : {8 + 8 * index}|8@1+ (0.5,-10) [0|0] "" CAR' for index in range(1, 7)]
    return "\n".join(lines) + "\n"


def write_car(folder: Path) -> tuple[Path, Path]:
    """Map and database."""
    (folder / "car.dbc").write_text(database())
    (folder / "car.toml").write_text(MAP)
    return folder / "car.toml", folder / "car.dbc"


# The bus: a process


def traffic(seconds: float, port: str) -> None:
    """Plays the adapter; prints the path of its port, begins when told to, then says what went over the line."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    Path(port).symlink_to(os.ttyname(slave))
    print("made", flush=True)
    sys.stdin.readline()
    lines = [b"t%03X8%02X00112233445566\r" % (identifier(number), number % 3) for number in range(MESSAGES)]
    total, waiting = int(seconds * RATE), b""
    each = round(RATE * BATCH_S)
    begin_s = time.monotonic()
    for index in range(total // each):
        wait_s = begin_s + index * BATCH_S - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        if len(waiting) < ADAPTER_BYTES:
            waiting += b"".join(lines[(index * each + step) % MESSAGES] for step in range(each))
        waiting = waiting[_write(master, waiting) :]
    took_s = time.monotonic() - begin_s
    waiting += b"t%03X0\r" % STOP
    while waiting:
        waiting = waiting[_write(master, waiting) :]
        time.sleep(BATCH_S)
    print(json.dumps({"took_s": took_s}), flush=True)
    sys.stdin.readline()


def _write(master: int, data: bytes) -> int:
    with contextlib.suppress(BlockingIOError):
        os.read(master, 4096)  # what the host commands; it is not answered
    try:
        return os.write(master, data) if data else 0
    except BlockingIOError:
        return 0


def datagrams(seconds: float, port: str) -> None:
    """The same as datagrams, for the bus between programs."""
    bus = can.Bus(GROUP, interface="udp_multicast", ignore_config=True, port=int(port), hop_limit=0, fd=False)
    print("made", flush=True)
    sys.stdin.readline()
    frames = [
        can.Message(arbitration_id=identifier(number), is_extended_id=False, data=bytes([0, number % 3, *range(6)]))
        for number in range(MESSAGES)
    ]
    each, begin_s = round(RATE * BATCH_S), time.monotonic()
    for index in range(int(seconds * RATE) // each):
        wait_s = begin_s + index * BATCH_S - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        for step in range(each):
            bus.send(frames[(index * each + step) % MESSAGES])
    took_s = time.monotonic() - begin_s
    for _ in range(10):  # it may be lost as well
        time.sleep(SETTLE_S / 10)
        bus.send(can.Message(arbitration_id=STOP, is_extended_id=False))
    print(json.dumps({"took_s": took_s}), flush=True)
    sys.stdin.readline()


# Who reads it: processes


def way(port: str) -> tuple[str, str, dict[str, Any]]:
    """Interface, channel and options: a number is a port of UDP, all else a serial device."""
    if port.isdecimal():
        return "udp_multicast", GROUP, {"port": int(port)}
    return "slcan", port, {"sleep_after_open": 0}


def plain(port: str, folder: Path) -> None:
    """python-can and cantools, as their documentation shows them."""
    car: Any = cantools.database.load_file(write_car(folder)[1])
    interface, channel, options = way(port)
    bus = can.Bus(channel, interface=interface, ignore_config=True, bitrate=500_000, listen_only=True, **options)
    print("made", flush=True)
    cpu_s, frames, wanted, values = time.process_time(), 0, 0, 0
    mine = {identifier(number) for number in range(WANTED)}
    ended = False
    while not ended:
        # A reader that cannot keep up may get a torn line, at which python-can raises: it may go on.
        with contextlib.suppress(ValueError):
            for message in bus:
                ended = message.arbitration_id == STOP
                if ended:
                    break
                values += len(car.decode_message(message.arbitration_id, message.data))
                frames += 1
                wanted += message.arbitration_id in mine
    cpu_s = time.process_time() - cpu_s
    bus.shutdown()
    print(json.dumps({"cpu_s": cpu_s, "frames": frames, "wanted": wanted, "values": values}), flush=True)


def ours(port: str, folder: Path) -> None:
    """The live input of the unit, with its map; `STOP` is wanted as well, to know the end."""
    car = VehicleMap.load(write_car(folder)[0])
    ended, up = threading.Event(), threading.Event()
    counts = {"wanted": 0, "values": 0}

    def decode(message: can.Message) -> list[Any]:
        if message.arbitration_id == STOP:
            ended.set()
            return []
        counts["wanted"] += 1
        return car.decode(message)

    def deliver(record: Any) -> None:
        if isinstance(record, Link):
            up.set()
        else:
            counts["values"] += 1

    wanted = [*car.identifiers(), (STOP, False)]
    interface, channel, options = way(port)
    bus = CanBus(interface, channel, decode=decode, identifiers=wanted, bitrate=500_000, options=options)
    bus.start(deliver)
    up.wait()
    print("made", flush=True)
    cpu_s = time.process_time()
    ended.wait()
    cpu_s = time.process_time() - cpu_s
    bus.stop()
    dropped = dict(bus.counters + car.counters)
    print(json.dumps({"cpu_s": cpu_s, "dropped": dropped} | counts), flush=True)


# The run


class Part:
    """A process of this file."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, __file__, *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.line()

    def line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a part of the benchmark ended early")
        return line

    def go(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def one_round(reader: str, seconds: float, interface: str = "slcan") -> dict[str, Any]:
    """What a reader of the same traffic took and got."""
    with tempfile.TemporaryDirectory() as folder:
        port = str(free_udp_port()) if interface == "udp_multicast" else f"{folder}/adapter"
        parts = [Part("datagrams" if interface == "udp_multicast" else "traffic", str(seconds), port)]
        try:
            parts.append(Part(reader, port, folder))
            time.sleep(SETTLE_S)
            parts[0].go()
            told = json.loads(parts[0].line()) | json.loads(parts[1].line())
        finally:
            for part in parts:
                part.close()
    return {**told, "percent": 100 * told["cpu_s"] / told["took_s"]}


def queued_rows() -> list[Row]:
    """The same frames where python-can hands over each as an object, as most drivers do: who only takes wanted ones?"""
    with tempfile.TemporaryDirectory() as name:
        map_path, dbc_path = write_car(Path(name))
        car, known = VehicleMap.load(map_path), cast("Any", cantools.database.load_file(dbc_path))
    frames = [
        can.Message(arbitration_id=identifier(number % MESSAGES), is_extended_id=False, data=bytes(8))
        for number in range(RATE)
    ]
    best = {"plain": float("inf"), "ours": float("inf")}
    for _ in range(ROUNDS):
        bus = _filled(frames)
        begin_s = time.thread_time()
        for _frame in range(RATE):
            message = bus.recv(0)
            assert message is not None
            known.decode_message(message.arbitration_id, message.data)
        best["plain"] = min(best["plain"], time.thread_time() - begin_s)
        bus.shutdown()
        best["ours"] = min(best["ours"], _ours_queued(car, frames))
    return [
        Row("virtual: python-can and cantools, every frame", 1e6 * best["plain"] / RATE, "us/frame",
            note="handed over one by one, as by drivers that do not filter"),
        Row("virtual: asvkit / python-can and cantools", best["ours"] / best["plain"], "x",
            note="most of it is python-can's recv"),
    ]  # fmt: skip


def _filled(frames: list[can.Message]) -> Any:
    bus: Any = can.Bus("benchmark", interface="virtual", ignore_config=True)
    for each in frames:
        each.timestamp = time.time()
        bus.queue.put(each)
    return bus


def _ours_queued(car: VehicleMap, frames: list[can.Message]) -> float:
    told: queue.Queue[float] = queue.Queue()
    stop = can.Message(arbitration_id=STOP, is_extended_id=False, timestamp=time.time())

    def opener(*_: Any, **__: Any) -> can.BusABC:
        filled = _filled([*frames, stop])
        told.put(time.thread_time())
        return filled  # type: ignore[no-any-return]

    def decode(message: can.Message) -> list[Any]:
        if message.arbitration_id == STOP:
            told.put(time.thread_time())
            return []
        return car.decode(message)

    bus = CanBus("virtual", "benchmark", decode=decode, identifiers=[*car.identifiers(), (STOP, False)], opener=opener)
    bus.start(lambda _record: None)
    begin_s, end_s = told.get(timeout=30), told.get(timeout=30)
    bus.stop()
    return end_s - begin_s


def bus_rows(interface: str, note: str, goals: tuple[float | None, float | None], seconds: float) -> list[Row]:
    """Both readers on one kind of bus."""
    rounds: dict[str, list[dict[str, Any]]] = {"plain": [], "ours": []}
    for _ in range(ROUNDS):
        for reader, told in rounds.items():
            told.append(one_round(reader, seconds, interface))
    if not all(told["values"] for each in rounds.values() for told in each):
        raise SystemExit(f"nothing was decoded: the benchmark measures nothing ({rounds})")
    total = int(seconds * RATE)
    wanted = total * WANTED // MESSAGES
    peer = min(rounds["plain"], key=lambda told: told["cpu_s"] / told["frames"])
    own = min(rounds["ours"], key=lambda told: told["cpu_s"])
    peer_us, own_us = 1e6 * peer["cpu_s"] / peer["frames"], 1e6 * own["cpu_s"] / total
    missed = total - max(told["frames"] for told in rounds["plain"])
    own_missed = wanted - max(told["wanted"] for told in rounds["ours"])
    return [
        Row(f"{interface}: python-can and cantools, every frame", peer_us, "us/frame",
            note=f"{note}; a full core reads {1e6 / peer_us:.0f}/s"),
        Row(f"{interface}: asvkit", own_us, "us/frame",
            note=f"{WANTED} of {MESSAGES} identifiers matter; {own['percent']:.1f} % of a core"),
        Row(f"{interface}: asvkit / python-can and cantools", own_us / peer_us, "x", goals[0]),
        Row(f"{interface}: frames lost by python-can and cantools", missed, "frames", note=f"of {total}"),
        Row(f"{interface}: frames lost by asvkit", own_missed, "frames", goals[1], note=f"of {wanted} that matter"),
    ]  # fmt: skip


def rows(seconds: float = SECONDS) -> list[Row]:
    """The table."""
    return [
        *bus_rows("slcan", f"{RATE} frames/s on a pty", (0.25, 0), seconds),
        *bus_rows("udp_multicast", "the same as datagrams", (0.25, 0), seconds),
        *queued_rows(),
    ]


if __name__ == "__main__":
    role, *given = sys.argv[1:]
    if role == "traffic":
        traffic(float(given[0]), given[1])
    elif role == "datagrams":
        datagrams(float(given[0]), given[1])
    elif role == "plain":
        plain(given[0], Path(given[1]))
    elif role == "ours":
        ours(given[0], Path(given[1]))
    else:
        raise SystemExit(f"no such part: {role}")
