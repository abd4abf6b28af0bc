"""The screen: what three browsers cost the unit and the machine, and whether the unit's own figures feel them.

One unit after the other among 200 vehicles, the first without a screen, the second with three websockets of it read
by a process of their own: two drivers' views and a bench view. All else is the live benchmark's.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import live
from common import Row

from asvrig.live.radio import free_udp_port
from asvrig.live.unit_process import UnitProcess
from asvrig.unit_config import unit_config
from asvunit.quantiles import Quantiles

NAME = "Screen"
VIEWS = ("driver", "driver", "bench")
MEETING_S = 40.0
HEARD_S = 2.0  # so that a heading is heard
LOAD_S = HEARD_S + MEETING_S + 3 * live.SETTLE_S


# The browsers: a process


async def browser(port: int, view: str, end_s: float, ages: Quantiles, counts: list[int]) -> None:
    """Reads one websocket; `ages`: of its messages, from the unit's time."""
    from websockets.asyncio.client import connect

    number = 0
    async with connect(f"ws://127.0.0.1:{port}/ws/{view}", max_size=None, compression=None) as line:
        while time.monotonic() < end_s:
            message = json.loads(await line.recv())
            if message["alive"]:
                ages.add_ns(int((time.time() - message["t"]) * 1e9))
                number += 1
    counts.append(number)


async def browsers(port: int, seconds: float) -> dict[str, Any]:
    """Three of them, and what they saw."""
    ages, counts = Quantiles(), list[int]()
    end_s = time.monotonic() + seconds
    await asyncio.gather(*(browser(port, view, end_s, ages, counts) for view in VIEWS))
    return {"age": ages.summary(), "per_s": min(counts) / seconds}


# The units


def cpu_s(pid: int) -> float:
    """Of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    """What a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def screen_pid(unit: UnitProcess) -> int:
    """Of the unit's page."""
    children = Path(f"/proc/{unit.pid}/task/{unit.pid}/children").read_text().split()
    return next(int(one) for one in children if b"asvunit.screen" in Path(f"/proc/{one}/cmdline").read_bytes())


def load(screen_port: int | None) -> dict[str, Any]:
    """One unit's figures under the live benchmark's traffic; with a screen, its browsers' too."""
    port = free_udp_port()
    others = live.Traffic(port, LOAD_S)
    car = live.Car(port)
    told: dict[str, Any] = {}
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            text = unit_config(
                live.EGO, seed=1, gnss_port=car.receiver.port, can_channel=car.can.port, radio_port=port,
                folder=folder, screen_port=screen_port,
            )  # fmt: skip
            with UnitProcess("ego", folder, text) as unit:
                unit.wait_ready(30)
                time.sleep(HEARD_S)
                car.wait_at_the_line()
                others.begin()
                begin_ns = time.monotonic_ns() + int(live.SETTLE_S * 1e9)
                for number in range(int(MEETING_S * 1000 / live.NEWCOMER_MS)):
                    car.meet(begin_ns, number)
                time.sleep(live.SETTLE_S)
                page = screen_pid(unit) if screen_port else None
                looking = part_of_this(str(screen_port), str(MEETING_S)) if screen_port else None
                page_s = cpu_s(page) if page else 0.0
                told["unit_percent"] = live.share_percent(unit, MEETING_S)
                if page and looking:
                    told["page_percent"] = 100 * (cpu_s(page) - page_s) / MEETING_S
                    told["page_mib"] = rss_mib(page)
                    told |= json.loads(looking.communicate(timeout=30)[0])
                others.result()
                since = len(unit.events)
                figures = unit.wait_event(lambda event: event["event"] == "statistics", 15, since=since)
                changes = [event for event in unit.events if event["event"] == "latency"]
    finally:
        others.close()
        car.close()
    cautions = [event for event in changes if event["level"] == "caution" and event["lit_us"]]
    written = [max(event["lit_us"], event["sounded_us"] or 0) / 1000 for event in cautions]
    if len(written) < MEETING_S / 2:
        raise SystemExit(f"{len(written)} cautions: too few to measure")
    return told | {"cycle": figures["cycle_late"], "written": written}


def free_tcp_port() -> int:
    """A port that no program of this machine listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def part_of_this(*arguments: str) -> "subprocess.Popen[str]":
    """The browsers, as a process."""
    return subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)


def rows() -> list[Row]:
    """Measurements of this page's table of the screen."""
    without, shown = load(None), load(free_tcp_port())
    unit, page = shown["unit_percent"] - without["unit_percent"], shown["page_percent"]
    return [
        Row("share of a core that three browsers cost", unit + page, "%", 15,
            note=f"{unit:.1f} % in the unit ({without['unit_percent']:.0f} % without), {page:.1f} % in the page's "
            f"process, nice 5; load average {os.getloadavg()[0]:.1f}"),
        Row("messages a second, to each", shown["per_s"], "Hz", 9.5, best="high",
            note=f"of {live.OTHERS} vehicles the 48 most relevant"),
        Row("age of a message at the browser, p99", shown["age"]["p99_us"] / 1000, "ms",
            note=f"p50 {shown['age']['p50_us'] / 1000:.1f} ms, since the unit's time of it"),
        *(
            Row(f"cause to caution on the pin, p99, {how}", live.quantile(told["written"], 0.99), "ms", 10,
                note=f"p50 {live.quantile(told['written'], 0.5):.2f} ms, {len(told['written'])} cautions")
            for how, told in (("without", without), ("with them", shown))
        ),
        *(
            Row(f"cycle of 100 ms after its time, p99, {how}", told["cycle"]["p99_us"] / 1000, "ms", 2,
                note=f"p50 {told['cycle']['p50_us'] / 1000:.2f} ms, most {told['cycle']['max_us'] / 1000:.2f} ms")
            for how, told in (("without", without), ("with them", shown))
        ),
        Row("memory of the page's process", shown["page_mib"], "MiB"),
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(asyncio.run(browsers(int(sys.argv[1]), float(sys.argv[2])))))
