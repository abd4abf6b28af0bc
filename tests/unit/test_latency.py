"""The latency ledger read and reckoned: each figure worked out again, slowly, from the raw events."""

import itertools
import json
import random
from pathlib import Path

import pytest

from asvtools.latency_measure import measure
from asvtools.latency_session import read_sessions
from asvtools.latency_stages import nearest_rank, summary
from asvtools.latency_view import remarks, verdict
from asvunit.errors import AsvkitError, UsageError
from latencytools import CHAIN, START_NS, START_T, hmi, latencies, latency, ledger, start, write


def report(*paths, **options):
    measured = read_sessions(paths, **options)
    return measure(measured), measured


def by_hand(values):
    """p50, p95, p99, max: the least value that so many per cent of all do not exceed, by counting."""
    values = list(values)
    told = {"n": len(values)}
    for percent in (50, 95, 99):
        enough = [one for one in values if 100 * sum(other <= one for other in values) >= percent * len(values)]
        told[f"p{percent}_us"] = pytest.approx(min(enough), abs=0.0011)
    return told | {"max_us": pytest.approx(max(values), abs=0.0011)}


def total_us(event):
    return max(event["lit_us"] or 0, event["sounded_us"] or 0)


def test_nearest_rank_is_a_value_of_its_own():
    dice = random.Random(1)
    for count in (1, 2, 3, 19, 20, 21, 99, 100, 101, 250):
        values = [dice.random() * 1000 for _ in range(count)]
        assert summary(values) == by_hand(values)
    assert nearest_rank(list(range(1, 101)), 99) == 99
    assert nearest_rank([4.0], 50) == 4.0
    assert summary([]) == {"n": 0}


def test_every_figure_is_reproduced_from_the_raw_events(tmp_path):
    events = ledger(120)
    told, _measured = report(write(tmp_path / "ego.jsonl", events))
    raw = latencies(events)
    assert told["verdict"] == "good"
    assert told["changes"] == 120
    assert told["over"] == told["untimed"] == 0
    assert told["total"] == by_hand(map(total_us, raw))
    assert told["light"] == by_hand(one["lit_us"] for one in raw)
    assert told["sound"] == by_hand(one["sounded_us"] for one in raw if one["sounded_us"])
    assert told["share_percent"] == pytest.approx(100 * max(map(total_us, raw)) / 300_000, abs=0.001)
    for key, name in (("by_input", "input"), ("by_level", "level")):
        assert {group["name"] for group in told[key]} == {one[name] for one in raw}
        for group in told[key]:
            mine = [one for one in raw if one[name] == group["name"]]
            assert group["total"] == by_hand(map(total_us, mine))
            assert group["light"] == by_hand(one["lit_us"] for one in mine)
    assert [group["name"] for group in told["by_level"]] == ["none", "information", "caution"]


def test_every_hop_begins_at_the_boundary_passed_before(tmp_path):
    events = ledger(80)
    told, _measured = report(write(tmp_path / "ego.jsonl", events))
    wanted = {}
    for one in latencies(events):
        last, last_us = "cause", 0.0
        for name in CHAIN:
            if one[f"{name}_us"] is not None:
                wanted.setdefault((last, name), []).append(one[f"{name}_us"] - last_us)
                last, last_us = name, one[f"{name}_us"]
        for name in ("lit", "sounded"):
            if one[f"{name}_us"] is not None:
                wanted.setdefault((last, name), []).append(one[f"{name}_us"] - last_us)
        end = "sounded" if one["sounded_us"] else "lit"
        wanted.setdefault((end, "written"), []).append(one["written_us"] - one[f"{end}_us"])
    found = {
        (hop["from"], hop["to"]): {key: hop[key] for key in hop if key not in ("from", "to")} for hop in told["hops"]
    }
    assert found == {hop: by_hand(values) for hop, values in wanted.items()}
    assert {("cause", "parsed"), ("cause", "taken"), ("taken", "decided")} <= found.keys()  # bytes, cycle, switch


def test_the_pieces_of_a_bar_add_up_to_the_time_in_all(tmp_path):
    _told, measured = report(write(tmp_path / "ego.jsonl", ledger(60)))
    for change in measured.changes:
        pieces = change.pieces()
        assert pieces[0][1] == 0
        assert pieces[-1][2] == change.total_us
        assert all(one[2] == other[1] and one[1] < one[2] for one, other in itertools.pairwise(pieces))


def test_the_histogram_holds_every_change_once(tmp_path):
    events = ledger(90)
    latencies(events)[4].update(lit_us=250_000.0, sounded_us=None, written_us=250_001.0)
    told, measured = report(write(tmp_path / "ego.jsonl", events))
    edges, counts = told["histogram"]["edges_us"], told["histogram"]["counts"]
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        assert count == sum(low <= round(change.total_us, 3) < high for change in measured.changes)
    assert sum(counts) == 90
    assert counts[-1] == 1


def test_a_change_that_takes_longer_is_a_finding(tmp_path):
    events = ledger(30)
    latencies(events)[3].update(lit_us=300_000.0, sounded_us=None, written_us=300_100.0)
    path = write(tmp_path / "ego.jsonl", events)
    assert report(path)[0]["verdict"] == "good"  # 0.3 s is allowed
    latencies(events)[3].update(lit_us=300_000.5)
    told, _measured = report(write(path, events))
    assert (told["verdict"], told["over"], told["slowest"][0]["n"]) == ("bad", 1, 4)


def test_what_reached_no_output_is_a_finding_and_the_cut_off_end_is_not(tmp_path):
    events = ledger(6)[:-1]
    missing = latencies(events)[2]
    events.remove(missing)
    path = write(tmp_path / "ego.jsonl", events)
    told, _measured = report(path)
    assert (told["verdict"], told["untimed"], told["changes"]) == ("bad", 1, 5)
    without = [one for one in events if one.get("cause") != missing["cause"] or one["event"] != "hmi"]
    assert report(write(path, [*without, hmi(latency(9, random.Random(1)))]))[0]["verdict"] == "good"
    nowhere = latency(9, random.Random(1), lit_us=None, sounded_us=None, written_us=None)
    assert report(write(path, [*without, hmi(nowhere), nowhere]))[0]["untimed"] == 1


def test_a_ledger_of_fewer_boundaries(tmp_path):
    """Of a unit that told neither lamps nor buzzer: to all outputs written; the function is that of the hmi event."""
    keep = {"t", "event", "level", "input", "cause", "stamp_ns", "taken_us", "decided_us", "written_us"}
    old = [
        {key: value for key, value in event.items() if key in keep or event["event"] != "latency"}
        for event in ledger(20)
    ]
    told, measured = report(write(tmp_path / "old.jsonl", old))
    assert told["total"] == by_hand(one["written_us"] for one in latencies(old))
    assert told["light"] == told["sound"] == {"n": 0}
    assert [(hop["from"], hop["to"]) for hop in told["hops"]] == [
        ("cause", "taken"), ("taken", "decided"), ("decided", "written"),
    ]  # fmt: skip
    assert [change.function for change in measured.changes] == [one["function"] for one in old if one["event"] == "hmi"]


def test_a_boundary_out_of_order_tells_nothing_but_the_others_do(tmp_path):
    events = ledger(12)
    one = latencies(events)[5]
    one.update(input="frame", parsed_us=50, taken_us=100, decoded_us=400, judged_us=200, decided_us=250,
               commanded_us=300, lit_us=450, sounded_us=None, written_us=460)  # fmt: skip
    told, measured = report(write(tmp_path / "ego.jsonl", events))
    assert told["dropped"] == {"out_of_order_decoded": 1}
    assert told["changes"] == 12
    assert [hop for hop, _us in measured.changes[5].hops()] == [
        ("cause", "parsed"), ("parsed", "taken"), ("taken", "judged"), ("judged", "decided"),
        ("decided", "commanded"), ("commanded", "lit"), ("lit", "written"),
    ]  # fmt: skip
    assert all(us >= 0 for change in measured.changes for _hop, us in change.hops())


@pytest.mark.parametrize(
    ("end", "changes", "dropped"),
    [
        ("\n", 5, {}),
        ("", 5, {}),  # whole, only its end of line is missing
        ('\n{"t": 5, "event": "latency", "lev', 5, {"torn": 1}),
        ('\n{"t": 5, "event": "latency", "lev\n', 5, {"malformed": 1}),
        ('\n{"event": "latency", "t": 5}\n[{"event": "latency"}]\n\x00\n\n', 5, {"malformed": 1}),
        ("\n" + "x" * 2_500_000 + "\n" + json.dumps(latency(9, random.Random(1))) + "\n", 6, {"too_long": 1}),
    ],
)
def test_cut_off_and_damaged_lines_are_counted(tmp_path, end, changes, dropped):
    told, _measured = report(write(tmp_path / "ego.jsonl", ledger(5)[:-1], end))
    assert (told["changes"], told["dropped"], told["verdict"]) == (changes, dropped, "good")


@pytest.mark.parametrize(
    "wrong",
    [
        {"stamp_ns": None}, {"stamp_ns": -1}, {"stamp_ns": 1.5}, {"stamp_ns": True}, {"stamp_ns": 1 << 70},
        {"t": "now"}, {"t": None}, {"level": 3}, {"level": "<b>"}, {"level": ""}, {"input": []}, {"input": "a" * 60},
        {"lit_us": "5"}, {"lit_us": -3}, {"lit_us": 1e300}, {"lit_us": float("nan")}, {"parsed_us": {}},
        {"cause": {"a": 1}, "level": None},
    ],
)  # fmt: skip
def test_an_event_that_is_no_latency_is_counted_and_dropped(tmp_path, wrong):
    events = ledger(3)[:-1]
    told, _measured = report(write(tmp_path / "ego.jsonl", [*events, latency(7, random.Random(1)) | wrong]))
    assert (told["changes"], told["dropped"]) == (3, {"malformed": 1})


def test_sessions_one_after_the_other_and_several_units(tmp_path):
    first, second = ledger(8, seed=1), ledger(5, seed=2)[1:-1]
    ego = write(tmp_path / "ego.jsonl", [*first, start(START_T + 99, 12), *second])
    other = write(tmp_path / "other.jsonl", ledger(4, seed=3))
    told, _measured = report(ego, other)
    units = {unit["name"]: unit for unit in told["units"]}
    assert [(one["vehicle_id"], one["stop"], one["total"]["n"]) for one in units["ego"]["sessions"]] == [
        (4711, "sigterm", 8), (12, None, 5),
    ]  # fmt: skip
    assert units["other"]["total"] == by_hand(total_us(one) for one in latencies(ledger(4, seed=3)))
    everything = latencies(first) + latencies(second) + latencies(ledger(4, seed=3))
    assert told["total"] == by_hand(map(total_us, everything))


def test_a_folder_gives_its_events_and_not_its_other_lines(tmp_path):
    write(tmp_path / "ego.jsonl", ledger(3))
    write(tmp_path / "ego.pins.jsonl", [{"t_ns": START_NS, "pin": 6, "name": "caution", "value": 1, "hz": 0}])
    write(tmp_path / "stimuli.jsonl", [{"n": 0, "event": 1}])
    write(tmp_path / "other.jsonl", [{"a": 1}])
    (tmp_path / "unit.toml").write_text("config = 1\n")
    told, _measured = report(tmp_path, tmp_path / "ego.jsonl")
    assert [unit["name"] for unit in told["units"]] == ["ego"]
    nested = tmp_path / "again"
    nested.mkdir()
    write(nested / "ego.jsonl", ledger(2))
    told, _measured = report(tmp_path, nested)
    assert [unit["name"] for unit in told["units"]] == [f"{tmp_path.name}/ego", "again/ego"]


def test_what_is_no_session_is_told_in_one_line(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "binary").write_bytes(bytes(3 << 20))
    write(tmp_path / "no.jsonl", [{"event": "other"}])
    write(tmp_path / "ego.jsonl", ledger(2))
    for error, path in (
        (UsageError, tmp_path / "gone"), (AsvkitError, empty), (AsvkitError, tmp_path / "binary"),
        (AsvkitError, tmp_path / "no.jsonl"), (UsageError, Path("a\0b")), (UsageError, tmp_path / "ego.jsonl" / "in"),
    ):  # fmt: skip
        with pytest.raises(error) as said:
            read_sessions([path])
        assert "\n" not in str(said.value)
        assert str(path) in str(said.value)
    with pytest.raises(UsageError, match="--pins"):
        read_sessions([tmp_path / "ego.jsonl", tmp_path / "no.jsonl"], pins=tmp_path / "ego.jsonl")


# The record of pins, and a bench


def write_pins(path, rows):
    pins = {"system": 17, "information": 5, "caution": 6, "left": 19, "buzzer": 12}
    return write(
        path,
        [
            {"t_ns": t_ns, "pin": pins[name], "name": name, "value": int(value), "hz": hz}
            for t_ns, name, value, hz in rows
        ],
    )


def one_change(stamp_ns, **given):
    """A change of whole microseconds: commanded after 500, lit by 900, sounded by 1000."""
    times = {"parsed_us": 100.0, "taken_us": 200.0, "decoded_us": 300.0, "judged_us": 400.0, "decided_us": 450.0,
             "commanded_us": 500.0, "lit_us": 900.0, "sounded_us": 1000.0, "written_us": 1100.0}  # fmt: skip
    return {"t": START_T + stamp_ns / 1e9, "event": "latency", "level": "caution", "function": "right_turn",
            "cue": True, "input": "signal", "cause": 3, "stamp_ns": stamp_ns, **times} | given  # fmt: skip


def test_the_record_of_the_pins_is_laid_beside_the_ledger(tmp_path):
    events = tmp_path / "events.jsonl"
    at, later = START_NS, START_NS + 50_000_000
    quiet = one_change(later, level="none", lit_us=900.0, sounded_us=None, written_us=950.0)
    write(events, [start(), one_change(at), quiet])
    rows = [
        (at + 300_000, "caution", 0, 0),  # before the command: a pattern of what was shown until then
        (at + 600_000, "information", 0, 0), (at + 700_000, "caution", 1, 0), (at + 650_000, "system", 1, 0),
        (at + 800_000, "buzzer", 1, 1000),
        (at + 1_000_000, "caution", 0, 0),  # its second write: not what is looked for
        (at + 200_800_000, "caution", 0, 0),  # a pattern's next step
    ]  # fmt: skip
    write_pins(tmp_path / "pins.jsonl", rows)
    told, measured = report(events)
    change, other = measured.changes
    assert (change.at["light_seen"], change.at["sound_seen"]) == (700.0, 800.0)
    assert (change.light_us, change.sound_us, change.total_us) == (900.0, 1000.0, 1000.0)  # the later word
    assert not {"light_seen", "sound_seen"} & other.at.keys()
    assert measured.seen == {"events": 1}
    assert told["units"][0]["pins"] == str(tmp_path / "pins.jsonl")
    (tmp_path / "pins.jsonl").rename(tmp_path / "elsewhere.jsonl")
    assert report(events)[1].seen == {}
    assert report(events, pins=tmp_path / "elsewhere.jsonl")[1].seen == {"events": 1}


def test_lines_that_are_no_pins_are_counted(tmp_path):
    write(tmp_path / "ego.jsonl", [start(), one_change(START_NS)])
    good = {"t_ns": START_NS + 600_000, "pin": 6, "name": "caution", "value": 1, "hz": 0, "duty": 0.5}
    wrong = [{"t_ns": "1"}, good | {"value": 3}, good | {"name": None}, good | {"hz": "x"}, good | {"t_ns": 1.5}]
    write(tmp_path / "ego.pins.jsonl", [*wrong, good], end="\n3\n{\n")
    told, measured = report(tmp_path / "ego.jsonl")
    assert told["dropped"] == {"pin_malformed": 7}
    assert measured.changes[0].at["light_seen"] == 600.0


def bench(tmp_path, stimuli, seen, conditions):
    write(tmp_path / "stimuli.jsonl", stimuli)
    write_pins(tmp_path / "seen.jsonl", seen)
    (tmp_path / "bench.json").write_text(json.dumps(conditions), encoding="utf-8")
    return report(tmp_path)


def test_a_bench_counts_from_the_stimulus_to_what_its_probe_saw(tmp_path):
    """Sent 400 us before its stamp, 240 of them on the wire; seen by a probe that is 30 us late."""
    at = START_NS
    reset = one_change(at + 300_000_000, level="none", sounded_us=None, written_us=950.0)
    write(tmp_path / "events.jsonl", [start(), one_change(at), reset])
    told, measured = bench(
        tmp_path,
        [{"n": 0, "kind": "can", "sent_ns": at - 400_000, "wire_us": 240.0}],
        [(at + 1_230_000, "caution", 1, 0), (at + 5_030_000, "buzzer", 1, 1000)],
        {"offset_us": {"wire": 240.0, "probe": 30.0}, "stimulus": "can"},
    )
    change, other = measured.changes
    assert (change.sent_us, change.light_us, change.sound_us, change.total_us) == (-160.0, 1200.0, 5000.0, 5160.0)
    assert change.hops()[0] == (("stimulus", "cause"), 160.0)
    assert change.pieces()[0] == ("cause", -160.0, 0.0)
    assert change.pieces()[-1][2] == 5000.0
    assert other.sent_us is None
    assert other.total_us == 900.0
    assert told["bench"]["total"] == {"n": 1, "p50_us": 5160.0, "p95_us": 5160.0, "p99_us": 5160.0, "max_us": 5160.0}
    assert (told["verdict"], told["bench"]["missing"]) == ("good", 0)


def test_what_the_probe_did_not_see_is_a_finding(tmp_path):
    """The unit's word of its lamp does not stand for the lamp; and the change is that of the level, by any input."""
    at, later = START_NS, START_NS + 700_000_000
    by_cycle = one_change(later, input="cycle", parsed_us=None, decoded_us=None)
    ends = [one_change(begin + 300_000_000, level="none", sounded_us=None, written_us=950.0) for begin in (at, later)]
    write(tmp_path / "events.jsonl", [start(), one_change(at), ends[0], by_cycle, ends[1]])
    stimuli = [{"n": n, "kind": "can", "sent_ns": one - 400_000, "wire_us": 0} for n, one in enumerate((at, later))]
    seen = [(one + us * 1000, name, 1, hz) for one in (at, later)
            for us, name, hz in ((600, "caution", 0), (800, "buzzer", 1000))]  # fmt: skip
    conditions = {"light": "caution", "sound": "buzzer", "timeout_s": 1.5, "good": True}
    told, measured = bench(tmp_path, stimuli, seen, conditions)
    assert (told["verdict"], told["bench"]["answered"], told["bench"]["unseen"]) == ("good", 2, 0)
    assert [change.total_us for change in measured.changes] == [1200.0, 900.0, 1200.0, 900.0]
    dark = [*seen[:2], (later + 600_000, "caution", 0, 0), (later + 700_000, "left", 1, 0), seen[3]]
    told, _measured = bench(tmp_path, stimuli, dark, conditions | {"good": False, "ended": "interrupted"})
    assert (told["verdict"], told["bench"]["missing"], told["bench"]["unseen"]) == ("bad", 0, 1)
    assert verdict(told) == "what 1 of 2 stimuli led to was not seen by the probe"
    assert any("interrupted" in one for one in remarks(told))
    told, _measured = bench(tmp_path, stimuli, dark, conditions | {"light": None})  # a probe at the buzzer's line
    assert told["bench"]["unseen"] == 0
    (tmp_path / "seen.jsonl").unlink()
    assert any("by the unit's own word" in one for one in remarks(report(tmp_path)[0]))


def test_a_stimulus_that_led_to_nothing_is_a_finding(tmp_path):
    at = START_NS
    frame = one_change(at + 500_000_000, input="frame")
    write(tmp_path / "events.jsonl", [start(), one_change(at), frame])
    stimuli = [{"n": n, "kind": "can", "sent_ns": at - 400_000 + n * 450_000_000, "wire_us": 0} for n in range(2)]
    told, _measured = bench(tmp_path, stimuli, [], {})
    assert (told["verdict"], told["bench"]["stimuli"], told["bench"]["answered"]) == ("bad", 2, 1)
    (tmp_path / "bench.json").write_text("{")
    with pytest.raises(AsvkitError, match=r"bench\.json"):
        read_sessions([tmp_path])
