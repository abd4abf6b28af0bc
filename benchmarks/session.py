"""A session recorded: what it costs a unit among 20 and among 200 vehicles, beside the same unit without."""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import Row
from live import EGO, Car, Traffic, share_percent

from asvrig.live.radio import free_udp_port
from asvrig.live.unit_process import UnitProcess
from asvrig.unit_config import unit_config

NAME = "Session"
SETTLE_S, MEASURED_S, FEW = 3.0, 15.0, 20
RECORD = '\n[record]\nfolder = "sessions"\n'


def drive(recorded: bool, others: int) -> dict[str, Any]:
    """A unit that waits at a line among others: share of a processor, lateness of its cycles, bytes of its session."""
    port = free_udp_port()
    traffic = Traffic(port, SETTLE_S + MEASURED_S + 4, others)
    car = Car(port)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            text = unit_config(
                EGO, seed=1, gnss_port=car.receiver.port, can_channel=car.can.port, radio_port=port, folder=folder
            )
            with UnitProcess("ego", folder, text + (RECORD if recorded else "")) as unit:
                unit.wait_ready(30)
                time.sleep(2)  # so that a heading is heard
                car.wait_at_the_line()
                traffic.begin()
                time.sleep(SETTLE_S)
                before = size(folder)
                share = share_percent(unit, MEASURED_S)
                grown = size(folder) - before
                unit.stop()
                figures = [event for event in unit.events if event["event"] == "statistics"][-1]
    finally:
        traffic.close()
        car.close()
    return {"share": share, "late_ms": figures["cycle_late"]["p99_us"] / 1000, "bytes_s": grown / MEASURED_S}


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "sessions").rglob("*") if path.is_file())


def rows() -> list[Row]:
    """The measurements."""
    found = []
    for others in (FEW, 200):
        plain, recorded = drive(False, others), drive(True, others)
        cost = recorded["share"] - plain["share"]
        of_what = f"{recorded['share']:.1f} % with, {plain['share']:.1f} % without"
        late = f"{plain['late_ms']:.2g} ms without"
        hour = recorded["bytes_s"] * 3600 / 1e6
        found += [
            Row(f"cost among {others} vehicles", cost, "% of a core", note=of_what),
            Row(f"cycle late among {others}, p99", recorded["late_ms"], "ms", note=late),
            Row(f"written among {others}", recorded["bytes_s"] / 1000, "kB/s", note=f"{hour:.0f} MB an hour"),
        ]
    return found


if __name__ == "__main__":
    sys.exit("run benchmarks/run.py session")
