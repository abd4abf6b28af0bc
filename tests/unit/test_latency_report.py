"""`asvkit latency` as it is called: exit codes, what it writes, and that the documented way by hand gives the same."""

import contextlib
import csv
import io
import json
import re
import shutil
import struct
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer

from asvtools import latency_command, latency_draw
from asvtools.latency_measure import measure
from asvtools.latency_session import read_sessions
from asvtools.latency_stages import KEYS
from asvunit.errors import AsvkitError, UsageError
from latencytools import latencies, ledger, write

DOCS = Path(__file__).resolve().parents[2] / "docs" / "latency.md"
EMPTY = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "path", "rect"}


def latency(*arguments):
    """The command line after `asvkit latency`; what it raises is the exit code's business."""
    command = typer.main.get_command(latency_command.app)
    with command.make_context("latency", [str(one) for one in arguments]) as context:
        command.invoke(context)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """130 changes, the 41st of them at 310 ms; the 51st is of words alone."""
    events = ledger(130)
    latencies(events)[40].update(lit_us=310_000.0, sounded_us=None, written_us=310_001.0)
    latencies(events)[50].update(lit_us=None, sounded_us=None)
    return write(tmp_path_factory.mktemp("latency") / "ego.jsonl", events), latencies(events)


def good(tmp_path, count=40):
    return write(tmp_path / "good.jsonl", ledger(count))


def test_a_session_is_reported_whether_or_not_the_word_is_there(tmp_path, capsys):
    path = good(tmp_path)
    latency(path)
    said = capsys.readouterr().out
    latency("report", path)
    assert capsys.readouterr().out == said
    assert said.startswith("All 40 changes within 300 ms [G 3.4(4)]")
    told = measure(read_sessions([path]))
    assert re.search(rf"^in all +40 +.* {told['total']['max_us'] / 1000:.2f}$", said, re.MULTILINE)
    for word in ("commanded > lit", "sounded > written", "caution", "frame", "The slowest"):
        assert word in said


def test_what_took_longer_ends_with_a_finding_of_one_line(session, capsys):
    path, _raw = session
    with pytest.raises(AsvkitError, match=r"^1 of 130 changes took longer than 300 ms \[G 3\.4\(4\)\]: ") as said:
        latency(path)
    assert said.value.exit_code == 1
    assert "\n" not in str(said.value)
    assert "310" in capsys.readouterr().out  # the report is shown all the same
    latency(path, "--limit", "310")
    with pytest.raises(AsvkitError, match=r"longer than 0\.100 ms: "):
        latency(path, "--limit", "0.1")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "SESSION is needed"),
        (("gone.jsonl",), r"gone\.jsonl: is not there"),
        (("good.jsonl", "--limit", "0"), "--limit"),
        (("good.jsonl", "--limit", "nan"), "--limit"),
        (("good.jsonl", "--json", "a", "--csv", "a"), "a: is to be written twice"),
        (("good.jsonl", "--json", "-", "--csv", "-"), "-: is to be written twice"),
        (("good.jsonl", "--html", "./good.jsonl"), "was read as well"),
        (("good.jsonl", "--pins", "gone"), "gone: cannot be read"),
        (("good.jsonl", "--html", "-"), "--html: is no text"),
        (("good.jsonl", "--png", "-"), "--png: is no text"),
    ],
)
def test_wrong_usage_is_named(tmp_path, monkeypatch, arguments, what):
    good(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=what):
        latency(*arguments)
    assert [one.name for one in tmp_path.iterdir()] == ["good.jsonl"]


@pytest.mark.parametrize("name", ["bench.json", "stimuli.jsonl", "seen.jsonl", "pins.jsonl", "events.jsonl"])
def test_what_a_bench_kept_is_not_written_over(tmp_path, name):
    write(tmp_path / "events.jsonl", ledger(2))
    for other in ("stimuli.jsonl", "seen.jsonl", "pins.jsonl"):
        write(tmp_path / other, [])
    (tmp_path / "bench.json").write_text("{}")
    before = (tmp_path / name).read_bytes()
    with pytest.raises(UsageError, match="was read as well"):
        latency(tmp_path, "--json", tmp_path / name)
    assert (tmp_path / name).read_bytes() == before


def test_nothing_to_measure_is_a_finding(tmp_path):
    path = write(tmp_path / "replay.jsonl", [one for one in ledger(3) if one["event"] in ("start", "support", "stop")])
    with pytest.raises(AsvkitError, match="no latency event"):
        latency(path)
    with pytest.raises(AsvkitError, match="cannot be written: No such file or directory"):
        latency(good(tmp_path), "--csv", tmp_path / "no" / "where.csv")


def test_every_option_is_documented():
    rows = "\n".join(re.findall(r"^\| .*", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    options = {
        one for option in typer.main.get_command(latency_command.app).commands["report"].params for one in option.opts
    }
    assert {one for one in options if one.startswith("--") and one != "--help"} == set(
        re.findall(r"`(--\w+) \w+`", rows)
    )


def test_every_boundary_is_documented():
    text = DOCS.read_text(encoding="utf-8")
    for name in (*KEYS, "out_of_order"):
        assert f"`{name}_" in text


def test_csv_holds_every_change_with_its_times(session, tmp_path):
    path, raw = session
    with pytest.raises(AsvkitError):
        latency(path, "--csv", tmp_path / "out.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 130
    for row, event in zip(rows, raw, strict=True):
        for key, value in event.items():
            if key != "event":
                assert row[key] == ("" if value is None else "1" if value is True else str(value))
        assert float(row["total_us"]) == (max(event["lit_us"] or 0, event["sounded_us"] or 0) or event["written_us"])
    assert [row["n"] for row in rows if row["over"] == "1"] == ["41"]


def test_json_on_stdout_is_that_alone(tmp_path, capsys):
    path = good(tmp_path)
    latency(path, "--json", "-")
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(json.dumps(measure(read_sessions([path]))))


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq: apt install jq")
def test_the_documented_way_by_hand_gives_the_same_figures(session):
    path, _raw = session
    told = measure(read_sessions([path]))
    in_all, one_hop = re.findall(
        r"```sh\njq -s '(.*?)' events\.jsonl\n```", DOCS.read_text(encoding="utf-8"), re.DOTALL
    )
    by_hand = json.loads(subprocess.run(["jq", "-s", in_all, path], capture_output=True, check=True).stdout)
    assert {key: told["total"][key if key == "n" else f"{key}_us"] for key in by_hand} == by_hand
    values = json.loads(subprocess.run(["jq", "-s", one_hop, path], capture_output=True, check=True).stdout)
    (hop,) = [hop for hop in told["hops"] if (hop["from"], hop["to"]) == ("judged", "decided")]
    assert (hop["n"], hop["max_us"]) == (len(values), pytest.approx(values[0], abs=0.001))


def test_a_unit_whose_lamps_never_could_is_a_finding_in_every_form(tmp_path):
    path = write(tmp_path / "ego.jsonl", [one for one in ledger(3) if one["event"] != "latency"])
    with pytest.raises(AsvkitError, match=r"^3 changes reached no output"):
        latency(path, "--html", tmp_path / "a.html", "--csv", tmp_path / "a.csv", "--png", tmp_path / "a.png")
    assert "3 changes reached no output" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 1
    assert not (tmp_path / "a.png").exists()


class Page(HTMLParser):
    """Checks that elements nest, and takes what would be fetched."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.seen = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        self.fetched += [value for key, value in attributes if key in ("src", "href") and not value.startswith("#")]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in EMPTY:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_takes_nothing_from_elsewhere(session, tmp_path):
    path, _raw = session
    strange = tmp_path / "<img src=x>&.jsonl"
    shutil.copy(path, strange)
    with pytest.raises(AsvkitError):
        latency(strange, path, "--html", tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert not {"script", "img", "link", "iframe"} & set(page.seen)
    assert not re.search(r"https?:|url\(|@import", text)
    assert page.seen.count("svg") == 3
    assert "2 of 260 changes took longer than 300 ms" in text
    assert "↑ 310" in text  # runs out of the field, and is told
    assert "&lt;img src=x&gt;&amp;" in text


@pytest.mark.long
def test_the_picture_is_a_png_with_its_colours(session, tmp_path):
    path, _raw = session
    with pytest.raises(AsvkitError):
        latency(path, "--png", tmp_path / "out.png")
    data = (tmp_path / "out.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (1408, 1144)
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(data), format="png")[:, :, :3]
    for colour in (
        "#2f74d6",
        "#b3261e",
        *(latency_draw.COLOURS[name] for name in ("taken", "judged", "lit", "sounded")),
    ):
        wanted = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        assert (abs(pixels - wanted).max(axis=2) < 0.02).sum() > 200, colour


def test_many_changes_share_bars_and_none_of_the_slow_ones_is_lost(tmp_path):
    measured = read_sessions([write(tmp_path / "ego.jsonl", ledger(1000))])
    bars = latency_draw.timeline(measured)
    assert len(bars) <= latency_draw.MOST_BARS
    assert sum(bar.of for bar in bars) == 1000
    shown = {bar.change.number for bar in bars}
    assert max(measured.changes, key=lambda change: change.total_us).number in shown
    for bar in bars:
        shared = measured.changes[bar.first : bar.first + bar.of]
        assert bar.change.total_us == max(change.total_us for change in shared)


def test_ticks_are_round_and_within():
    for most in (0.004, 0.37, 1.0, 9.99, 314, 8000):
        ticks = latency_draw.ticks_ms(most)
        assert ticks[0] == 0
        assert 2 <= len(ticks) <= 8
        assert ticks[-1] <= most


@pytest.mark.long
@pytest.mark.parametrize("us", [0.0, -0.4, 3.0, 12e6, 9e11])
def test_a_change_beyond_the_axis_is_drawn_and_told(tmp_path, us):
    """No time at all by the ledger's clock; a unit that was stopped for 12 s; what no unit can mean."""
    one = latencies(ledger(1))[0] | {f"{name}_us": us for name in ("commanded", "lit", "written")}
    one |= {f"{name}_us": None for name in ("parsed", "taken", "decoded", "judged", "decided", "sounded")}
    path = write(tmp_path / "ego.jsonl", [one])
    png = ("--png", tmp_path / "out.png") if us in (0.0, 12e6) else ()  # takes its time
    with pytest.raises(AsvkitError, match="1 of 1 change") if us > 300_000 else contextlib.nullcontext():
        latency(path, "--html", tmp_path / "out.html", "--json", tmp_path / "out.json", *png)
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["histogram"]["counts"] == [1]
    histogram = (tmp_path / "out.html").read_text(encoding="utf-8").partition("</svg>")[0]
    places = re.findall(r'class="mark[^"]*" d="M([-\d.]+),', histogram)
    assert len(places) == 5
    assert all(60 <= float(place) <= 985 for place in places)
