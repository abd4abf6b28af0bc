"""Real recordings through `asvkit replay`: every sent frame against the log itself, read here by other code."""

import csv
import itertools
import json
from bisect import bisect_right
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import dpkt
import pytest

from asvtools.cli import run
from asvunit.message import decode, values

pytestmark = pytest.mark.shared

GNSS = (
    pytest.param("genivi_munich_ublox.nmea", marks=pytest.mark.long),  # the longest
    "gpsd_nmea-rtk.log",
    "gpsd_bt451.log",
    "gpsd_quectel-l76k-nmea.log",
)


def sent(path: Path) -> list[tuple[int, dict]]:
    """(time in ms, value) of each frame of a capture."""
    with path.open("rb") as file:
        return [(round(Decimal(str(t)) * 1000), values(decode(bytes(data)[14:]))) for t, data in dpkt.pcap.Reader(file)]


def replayed(tmp_path: Path, *arguments: str) -> tuple[list[tuple[int, dict]], list[dict]]:
    out, events = tmp_path / "sent.pcap", tmp_path / "events.jsonl"
    assert run(["replay", *arguments, "--sent", str(out), "--events", str(events)]) == 0
    return sent(out), [json.loads(line) for line in events.read_text().splitlines()]


def rmc_epochs(path: Path) -> list[dict]:
    """The log's RMC sentences with a time, by plain splitting."""
    epochs = []
    for line in path.read_text(errors="replace").splitlines():
        fields = line.split("*")[0].split(",")
        if fields[0] not in ("$GPRMC", "$GNRMC") or not fields[1]:
            continue
        clock, day = fields[1], fields[9]
        seconds = int(clock[:2]) * 3600 + int(clock[2:4]) * 60 + Decimal(clock[4:])
        epochs.append(
            {
                "ms": int(unix_days(day) * 86_400_000 + seconds * 1000),
                "valid": fields[2] == "A",
                "latitude": angle(fields[3], fields[4]),
                "longitude": angle(fields[5], fields[6]),
                "kmh": Decimal(fields[7]) * Decimal("1.852") if fields[7] else None,
                "course": float(fields[8]) if fields[8] else None,
            }
        )
    return epochs


def unix_days(ddmmyy: str) -> int:
    return (date(2000 + int(ddmmyy[4:]), int(ddmmyy[2:4]), int(ddmmyy[:2])) - date(1970, 1, 1)).days


def angle(text: str, hemisphere: str) -> int:
    """In 0.01 seconds, half up by magnitude."""
    degrees, minutes = text.split(".", maxsplit=1)[0][:-2], text[text.index(".") - 2 :]
    cas = (int(degrees) * 360000 + Decimal(minutes) * 6000).quantize(Decimal(1), ROUND_HALF_UP)
    return int(cas) * (-1 if hemisphere in "SW" else 1)


@pytest.mark.parametrize("name", GNSS)
def test_every_frame_agrees_with_the_log(shared: Path, tmp_path: Path, name: str) -> None:
    frames, events = replayed(tmp_path, "--gnss", str(shared / "data/gnss" / name))
    epochs, last = [], 0
    for epoch in rmc_epochs(shared / "data/gnss" / name):
        last = max(last, epoch["ms"])  # a step back enters at the last time
        epochs.append({**epoch, "ms": last})
    times = [epoch["ms"] for epoch in epochs]
    periods = [b - a for a, b in itertools.pairwise(times) if b > a]
    limit = max(1500, 3 * min(periods))
    # The last epoch of one log has lost its RMC; its GGA refines nothing but lets time go on
    assert [t for t, _value in frames][: (times[-1] - times[0]) // 100 + 1] == list(range(times[0], times[-1] + 1, 100))
    frames = [frame for frame in frames if frame[0] <= times[-1]]
    course, available = None, 0
    at = 0
    for t, value in frames:
        upto = bisect_right(times, t)
        for epoch in epochs[at:upto]:
            if epoch["valid"] and epoch["course"] is not None and epoch["kmh"] >= 3:
                course = epoch["course"]
        at = upto
        fix = epochs[upto - 1]
        if not fix["valid"] or t - fix["ms"] > limit:
            assert value["latitude_deg"] is None
            assert value["speed_kmh"] is None
            assert value["fix_time_jst"] is None
            continue
        available += 1
        assert round(value["latitude_deg"] * 360000) == fix["latitude"]
        assert round(value["longitude_deg"] * 360000) == fix["longitude"]
        assert abs(value["speed_kmh"] - float(fix["kmh"])) <= 1
        if course is None:
            assert value["direction_deg"] is None
        else:
            assert abs((value["direction_deg"] - course + 180) % 360 - 180) <= 1
        sent_with_it = (t - fix["ms"]) // 100 + 1
        assert value["revision"] == (sent_with_it if sent_with_it <= 10 else None)
    assert available > 30
    voids = [e for e in events if e["event"] == "status" and e["input"] == "gnss" and e["state"] != "ok"]
    assert bool(voids) == (available < len(frames))


@pytest.mark.long
def test_void_sentences_say_why_and_zero_the_unit(shared: Path, tmp_path: Path) -> None:
    out, events = tmp_path / "sent.pcap", tmp_path / "events.jsonl"
    log = shared / "data/gnss/genivi_munich_ublox.nmea"
    assert run(["replay", "--gnss", str(log), "--sent", str(out), "--events", str(events)]) == 0
    with out.open("rb") as file:
        raws = [(round(t * 10), decode(bytes(data)[14:])) for t, data in dpkt.pcap.Reader(file)]
    first_void = 1238591309 * 10  # 13:08:29, the first RMC with status V
    assert first_void == unix_days("010409") * 864000 + (13 * 3600 + 8 * 60 + 29) * 10
    zeroed = [raw for t, raw in raws if first_void <= t < first_void + 200]
    assert len(zeroed) == 200
    unit = list(raws[0][1])[6:27]  # elements 7..27
    assert all(raw[name] == 0 for raw in zeroed for name in unit)
    assert raws[first_void - raws[0][0] - 1][1]["position_availability"] == 3
    said = [json.loads(line) for line in events.read_text().splitlines()]
    status = [e for e in said if e["event"] == "status" and e["input"] == "gnss"]
    assert [(e["t"], e["state"], e["reason"]) for e in status if e["t"] >= 1238591309][:2] == [
        (1238591309.0, "stale", "void"),
        (1238591329.0, "ok", "received"),
    ]


@pytest.mark.parametrize("suffix", [".log", pytest.param(".blf", marks=pytest.mark.long)])
def test_toyota_drive_agrees_with_its_truth(shared: Path, tmp_path: Path, suffix: str) -> None:
    log = shared / f"data/can/toyota_new_mc_pt{suffix}"
    frames, _events = replayed(tmp_path, "--can", str(log), "--vehicle", "toyota_new_mc_pt")
    with (shared / "data/can/toyota_new_mc_pt_truth_10ms.csv").open() as file:
        truth = {round(float(row["t_s"]) * 1000): row for row in csv.DictReader(file)}
    assert len(frames) == 601
    start = frames[0][0]
    words = {"D": "drive", "P": "parking"}

    def states(row: dict) -> dict:
        return {
            "winker": row["turn_switch"],
            "hazard": "on" if row["hazard_switch"] == "1" else "off",
            "brake": row["brake_pressed"] == "1",
            "shift": words[row["gear"]],
        }

    for t, value in frames[1:]:
        at = t - start
        near = [states(truth[ms]) for ms in (max(at - 100, 0), at)]
        for key in ("winker", "hazard", "brake", "shift"):
            assert value[key] in [state[key] for state in near], (at, key)
        speeds = [float(truth[ms]["speed_kmh"]) for ms in (max(at - 100, 0), at)]
        assert min(speeds) - 1 <= value["speed_kmh"] <= max(speeds) + 1, at
        pedals = [float(truth[ms]["accel_pedal_pct"]) for ms in (max(at - 100, 0), at)]
        assert min(pedals) - 1 <= value["accelerator_percent"] <= max(pedals) + 1, at
