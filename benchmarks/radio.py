"""The way from the socket to the neighbour table, at rest and under a flood, on loopback and over a cable.

The unit, the traffic and the peers are processes of their own. Latencies are the unit's own figures, from the
kernel's stamp of a frame to the neighbour in the table, and judged; beside them stand those that another program sees.
"""

import contextlib
import json
import math
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bitstruct.c
import cantools.database
from cantools.database.can.signal import Signal
from common import Row

from asvcore.elements import CODED, ELEMENTS, MESSAGE_BYTES, VERSION
from asvrig.live.bare_sleep import BareSleep
from asvrig.live.namespaces import missing
from asvrig.live.road import Road, RoadTrial, cabled, loopback
from asvrig.live.waiting_car import NEWCOMER_MS, cautions
from asvunit.message import encode, raw_from_values
from asvunit.quantiles import Quantiles

NAME = "Radio"
QUIET = 200  # vehicles at 10 Hz: 2,000 frames/s
QUIET_S = 12.0
PROBE_MS, FIRST_PROBE = 107, 12_000  # vehicles that are heard once, and when the unit tells of them
FULL, FULL_S = 10_000, 8.0  # frames/s, of as many vehicles as the table holds
FULL_IDS = 250
FLOOD_S = 32.0
SETTLE_S = 1.5
SO_TIMESTAMPNS = 35
PEERS = ("recvfrom", "bitstruct", "cantools")
FLOODS = ("--valid", "5000", "--ids", "1000", "--garbage", "50000")

Event = dict[str, Any]


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


class Seen:
    """What a program beside the unit sees: when it reads that a new neighbour is there."""

    def __init__(self) -> None:
        self._at: dict[int, int] = {}

    def __call__(self, event: Event) -> None:
        if event["event"] == "neighbour" and event["reason"] == "new":
            self._at.setdefault(event["vehicle_id"], time.monotonic_ns())

    def after_ms(self, sent_ns: dict[int, int]) -> list[float]:
        """Of each vehicle that was told, how long after its frame was sent."""
        return [(self._at[one] - at_ns) / 1e6 for one, at_ns in sent_ns.items() if one in self._at]


def probe(vehicle_id: int) -> bytes:
    """A vehicle 60 m away that stands with its back to the line."""
    return encode(raw_from_values({
        "vehicle_id": vehicle_id, "increment_counter": 0, "position_class": "B", "vehicle_kind": "car",
        "latitude_deg": 35 - 60 / 110_941, "longitude_deg": 139 - 60 / 91_288, "horizontal_error_m": 3,
        "speed_kmh": 0, "direction_deg": 225,
    }))  # fmt: skip


def send_probes(road: Road, seconds: float) -> dict[int, int]:
    """Frames of ever new vehicles, from here; when each was sent."""
    out, send = road.sender(1)
    sent_ns: dict[int, int] = {}
    with out:
        due_ns = time.monotonic_ns()
        for number in range(int(seconds * 1000 / PROBE_MS)):
            due_ns += PROBE_MS * 1_000_000
            time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
            frame = probe(FIRST_PROBE + number)
            sent_ns[FIRST_PROBE + number] = time.monotonic_ns()
            send(frame)
    return sent_ns


@contextlib.contextmanager
def trial(road: Road, seen: Seen | None = None, *, waits: bool = True) -> Iterator[RoadTrial]:
    """A unit that waits at the line, where all neighbours are judged at each frame and cycle; or that drives."""
    with tempfile.TemporaryDirectory() as folder, RoadTrial(road, Path(folder), on_event=seen) as one:
        time.sleep(SETTLE_S)  # so that a heading is known
        if waits:
            one.car.wait_at_the_line()
        time.sleep(SETTLE_S)
        yield one


def told_at_the_end(one: RoadTrial) -> Event:
    """The unit's statistics since its start, the next that it tells."""
    time.sleep(0.3)
    return one.wait_for("statistics", 15, since=len(one.unit.events))


def quiet_rows(road: Road) -> list[Row]:
    """2,000 frames a second: how long from the socket to the neighbour."""
    seen, sleep = Seen(), BareSleep()
    try:
        with (
            trial(road, seen) as one,
            road.flooded(
                "--valid", str(QUIET * 10), "--ids", str(QUIET), "--garbage", "0", "--seconds", str(QUIET_S)
            ) as traffic,
        ):
            cpu_s = one.unit.cpu_s()
            traffic.begin()
            sent_ns = send_probes(road, QUIET_S - 1)
            sent = traffic.result()
            cpu_s = one.unit.cpu_s() - cpu_s
            bare = sleep.result()
            figures = told_at_the_end(one)
    finally:
        sleep.close()
    table, judged, outside = figures["frame_to_table"], figures["frame_to_judged"], seen.after_ms(sent_ns)
    if judged["count"] < 0.9 * sent["valid"]["sent"] or len(outside) < 0.9 * len(sent_ns):
        raise SystemExit(f"{road.name}: too little was heard to measure: {judged} of {sent['valid']}, {len(outside)}")
    return [
        Row(f"{road.name}: frame in the socket to neighbour table, p50", table["p50_us"], "us", 150,
            note=f"{QUIET} vehicles at 10 Hz, {judged['count']} frames; "
            f"{100 * cpu_s / sent['seconds']:.0f} % of a core; load average {os.getloadavg()[0]:.1f}"),
        Row(f"{road.name}: the same, p99", table["p99_us"] / 1000, "ms", 1,
            note=f"most {table['max_us'] / 1000:.2f} ms; bare sleep beside it: p99 {bare['p99_us'] / 1000:.2f} ms"),
        Row(f"{road.name}: frame in the socket to judged, p50", judged["p50_us"], "us",
            note=f"p99 {judged['p99_us'] / 1000:.2f} ms"),
        Row(f"{road.name}: frame sent to a new neighbour read by another program, p50", quantile(outside, 0.5), "ms",
            note=f"from outside: {len(outside)} of {len(sent_ns)} new vehicles; p99 {quantile(outside, 0.99):.2f} ms"),
    ]  # fmt: skip


def lost_of(figures: Event, before: Event | None = None) -> int:
    """Frames that a unit had no time for."""
    names = ("overflow", "stale", "shed", "superseded")
    counts, past = (one["counters"].get("radio", {}) if one else {} for one in (figures, before))
    return sum(counts.get(name, 0) - past.get(name, 0) for name in names)


def full_rows(road: Road, *, waits: bool = True) -> list[Row]:
    """10,000 valid frames a second: what a unit makes of them, and of a core."""
    with (
        trial(road, waits=waits) as one,
        road.flooded(
            "--valid", str(FULL), "--ids", str(FULL_IDS), "--garbage", "0", "--seconds", str(FULL_S)
        ) as traffic,
    ):
        cpu_s = one.unit.cpu_s()
        traffic.begin()
        sent = traffic.result()
        cpu_s = one.unit.cpu_s() - cpu_s
        figures = told_at_the_end(one)
    judged, lost, cycle = figures["frame_to_judged"], lost_of(figures), figures["cycle_late"]
    what = f"{road.name}, ego {'waits' if waits else 'drives'}"
    return [
        Row(f"{what}: valid frames a core holds", judged["count"] / cpu_s, "frames/s", 10_000, best="high",
            note=f"at {FULL} frames/s from {FULL_IDS} vehicles: {100 * cpu_s / sent['seconds']:.0f} % of a core, "
            f"{judged['count']} judged of {sent['valid']['sent']}; the unit's other work is in it"),
        Row(f"{what}: of these frames not taken", 100 * lost / max(1, sent["valid"]["sent"]), "%", 0,
            note=f"cycle p99 {cycle['p99_us'] / 1000:.2f} ms late; frames p50 {judged['p50_us'] / 1000:.2f} ms, "
            f"p99 {judged['p99_us'] / 1000:.2f} ms; the sender's p99 {sent['late']['p99_us'] / 1000:.2f} ms late"),
    ]  # fmt: skip


def flood_rows(road: Road) -> list[Row]:
    """The flood, with one vehicle after another that calls for a caution."""
    sleep = BareSleep()
    try:
        with trial(road) as one, road.flooded(*FLOODS, "--seconds", str(FLOOD_S)) as noise:
            newcomers = int((FLOOD_S - 2 * SETTLE_S) * 1000 / NEWCOMER_MS)
            cpu_s, since = one.unit.cpu_s(), len(one.unit.events)
            noise.begin()
            one.car.meet(newcomers, time.monotonic_ns() + int(SETTLE_S * 1e9))
            sent = noise.result()
            cpu_s = one.unit.cpu_s() - cpu_s
            bare = sleep.result()
            figures = told_at_the_end(one)
            events = one.unit.events[since:]
    finally:
        sleep.close()
    found = cautions(one.car.appeared_ns, events)
    in_time = [one_ms for one_ms in found if one_ms is not None]
    if not in_time:
        raise SystemExit(f"{road.name}: no caution came under the flood")
    said = [event["reason"] for event in events if event["event"] == "status" and event["state"] == "overloaded"]
    cycle, late = figures["cycle_late"], figures["send_late"]
    radio: Counter[str] = Counter(figures["counters"].get("radio", {}))
    valid, other = (sent[name]["sent"] / sent["seconds"] for name in ("valid", "garbage"))
    share = 100 * cpu_s / sent["seconds"]
    dropped = ", ".join(f"{name} {radio[name]}" for name in sorted(radio) if radio[name])
    return [
        Row(f"{road.name}, flood: own cycle after its time, p99", cycle["p99_us"] / 1000, "ms", 20,
            note=f"{valid:.0f} valid and {other:.0f} other frames/s; "
            f"p50 {cycle['p50_us'] / 1000:.2f} ms, most {cycle['max_us'] / 1000:.1f} ms; "
            f"bare sleep p99 {bare['p99_us'] / 1000:.2f} ms"),
        Row(f"{road.name}, flood: cycles missed", figures["cycles_missed"], "cycles", 0,
            note=f"frame sent after its time p99 {late['p99_us'] / 1000:.1f} ms; {share:.0f} % of a core"),
        Row(f"{road.name}, flood: cautions that did not come", len(found) - len(in_time), "newcomers", 0,
            note=f"of {len(found)} at 10 Hz, each the nearest vehicle, within 350 ms of its first frame"),
        Row(f"{road.name}, flood: first frame of the nearest vehicle to caution, p50", quantile(in_time, 0.5), "ms",
            note=f"p90 {quantile(in_time, 0.9):.0f} ms, most {max(in_time):.0f} ms"),
        Row(f"{road.name}, flood: the same, p99", quantile(in_time, 0.99), "ms", 150,
            note="a frame lost to the flood is made good by the next, 100 ms later"),
        Row(f"{road.name}, flood: told as overloaded", len(said), "times", 1, best="high",
            note=f"said: {', '.join(sorted(set(said))) or 'nothing'}; counted: {dropped}"),
    ]  # fmt: skip


# Peers: a plain loop, the same frames, no table and no judging


def peer(kind: str, port: int, seconds: float) -> None:
    """Receives and decodes as one would at first; prints how many, its share of a core, and how late."""
    layout = bitstruct.c.compile("".join(f"{'s' if row[5] else 'u'}{row[3]}" for row in ELEMENTS[:CODED]) + "p501")
    signals, bit = [], 0
    for _number, _unit, name, width, _mandatory, signed, _coding in ELEMENTS[:CODED]:
        at = 8 * (bit // 8) + 7 - bit % 8
        signals.append(Signal(name, at, width, byte_order="big_endian", is_signed=signed))
        bit += width
    message = cantools.database.can.Message(1, "ASV", MESSAGE_BYTES, signals)
    late, table = Quantiles(), {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.setsockopt(
            socket.SOL_SOCKET, socket.SO_TIMESTAMPNS if hasattr(socket, "SO_TIMESTAMPNS") else SO_TIMESTAMPNS, 1
        )
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        ear.bind(("", port))
        print("made", flush=True)
        ear.settimeout(0.5)
        end_s, cpu_s, count = time.monotonic() + seconds, time.process_time(), 0
        while time.monotonic() < end_s:
            try:
                payload, ancillary, _flags, source = ear.recvmsg(2048, 64)
            except TimeoutError:
                continue
            if len(payload) != MESSAGE_BYTES or payload[0] & 0x1F != VERSION:
                continue
            if kind == "bitstruct":
                table[source, payload[2:4]] = layout.unpack(payload)
            elif kind == "cantools":
                table[source, payload[2:4]] = message.decode(payload, decode_choices=False)
            second, part_ns = struct.unpack("@ll", ancillary[0][2])
            late.add_ns(time.time_ns() - second * 10**9 - part_ns)
            count += 1
        print(json.dumps({"count": count, "cpu_s": time.process_time() - cpu_s, "late": late.summary()}), flush=True)


def peer_rows() -> list[Row]:
    """The same 2,000 frames a second to plain loops, on loopback."""
    out = []
    for kind in PEERS:
        road = loopback()
        argv = [sys.executable, __file__, "peer", kind, road.flood[2], "6.5"]
        with (
            subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process,
            road.flooded(
                "--valid", str(QUIET * 10), "--ids", str(QUIET), "--garbage", "0", "--seconds", "6"
            ) as traffic,
        ):
            assert process.stdout
            process.stdout.readline()
            traffic.begin()
            traffic.result()
            told = json.loads(process.stdout.readline())
        name = {"recvfrom": "no decoding at all", "bitstruct": "bitstruct.c", "cantools": "cantools"}[kind]
        late = told["late"]
        out.append(
            Row(f"peer, a plain receive loop with {name}, p50", late["p50_us"], "us",
                note=f"p99 {late['p99_us'] / 1000:.2f} ms; {told['count'] / told['cpu_s']:.0f} frames/s a core, "
                "without table, judging or cycle")
        )  # fmt: skip
    return out


def rows() -> list[Row]:
    """Measurements of this page's table of the radio."""
    out = []
    with contextlib.ExitStack() as stack:
        roads = [loopback()]
        reason = missing()
        if reason:
            print(f"radio: no cable between namespaces: {reason}", file=sys.stderr)
        else:
            roads.append(stack.enter_context(cabled("ocb")))
        for road in roads:
            out += quiet_rows(road) + full_rows(road) + flood_rows(road)
    return out + peer_rows()


if __name__ == "__main__":
    if sys.argv[1:2] == ["peer"]:
        peer(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    else:
        for one_row in rows():
            print(f"{one_row.name}: {one_row.value:.4g} {one_row.unit} {one_row.met} | {one_row.note}", flush=True)
