"""What a replayed unit sent and heard, as a capture: replayed again it gives the same, and tells what fell out why."""

import json
from pathlib import Path

import pytest

from asvrig.generate import generate
from asvrig.scenario import load_scenario
from asvtools.cli import run
from asvunit.adapters.capture import Capture, CaptureWriter
from asvunit.radio.encapsulate import encapsulate
from asvunit.radio.pcapng import PcapngWriter

START_NS = 1_790_000_000 * 10**9


def replayed(folder: Path, arguments: list[str], *more: str) -> tuple[list[dict[str, object]], bytes]:
    """Events, and the bytes of the sent frames."""
    folder.mkdir()
    events, sent = folder / "events.jsonl", folder / "sent.pcap"
    assert run(["replay", *arguments, "--events", str(events), "--sent", str(sent), *more]) == 0
    return [json.loads(line) for line in events.read_text().splitlines()], sent.read_bytes()


@pytest.mark.parametrize("name", ["crossing", "emergency_forged"])
def test_its_own_capture_gives_back_what_the_unit_heard(name: str, tmp_path: Path) -> None:
    inputs = generate(load_scenario(name), tmp_path)
    arguments = inputs.arguments()
    capture = tmp_path / "drive.pcapng"
    first = replayed(tmp_path / "first", arguments, "--capture", str(capture))
    assert list(Capture(capture)) == list(Capture(inputs.radio))
    sent = [(frame.time_ns // 1000, frame.source, frame.payload) for frame in Capture(capture, outbound=True)]
    written = Capture(tmp_path / "first" / "sent.pcap")
    assert sent == [(frame.time_ns // 1000, frame.source, frame.payload) for frame in written]
    arguments[arguments.index("--radio") + 1] = str(capture)
    assert replayed(tmp_path / "again", arguments) == first


def test_each_form_keeps_its_source_its_power_and_its_remark(tmp_path: Path) -> None:
    radio, capture = tmp_path / "radio.pcapng", tmp_path / "drive.pcapng"
    sources = ["192.0.2.1:40001", "[2001:db8::1]:40001", "02:00:00:00:00:10", "02:00:00:00:00:11"]
    with radio.open("wb") as file:
        writer = PcapngWriter(file)
        for number, source in enumerate(sources):
            data, link = encapsulate(source, bytes(50 + number), power_dbm=-70 if number == 3 else None)
            writer.packet(START_NS + number * 10**8, data, link)
    events, _sent = replayed(tmp_path / "first", ["--radio", str(radio)], "--capture", str(capture))
    frames = list(Capture(capture))
    assert frames == list(Capture(radio))
    assert [(frame.source, frame.power_dbm) for frame in frames] == [
        (source, -70 if number == 3 else None) for number, source in enumerate(sources)
    ]
    assert sum(event["event"] == "drop" for event in events) == 4
    assert capture.read_bytes().count(b"length") == 4


def test_a_capture_with_damaged_times_is_replayed_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    radio = tmp_path / "radio.pcapng"
    with CaptureWriter(radio) as writer:
        for number in range(30):
            ahead = 70 * 365 * 86400 * 10**9 if number % 10 == 0 else 0
            writer.write(START_NS + number * 10**8 + ahead, bytes(50))
    events, _sent = replayed(tmp_path / "first", ["--radio", str(radio)])
    assert "3 time_ahead" in capsys.readouterr().out
    assert float(str(events[-1]["t"])) < START_NS / 1e9 + 4


def test_pcap_cannot_say_what_a_capture_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    radio = tmp_path / "radio.pcap"
    with CaptureWriter(radio) as writer:
        writer.write(START_NS, bytes(100))
    assert run(["replay", "--radio", str(radio), "--capture", str(tmp_path / "x.pcap")]) == 2
    assert "name a file .pcapng" in capsys.readouterr().err
    assert run(["replay", "--radio", str(radio), "--capture", str(radio)]) == 2
    again = tmp_path / "radio.pcapng"
    again.write_bytes(radio.read_bytes())
    assert run(["replay", "--radio", str(again), "--capture", str(again)]) == 2
    assert "already" in capsys.readouterr().err


def test_decode_shows_what_was_heard_or_what_was_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture, message = tmp_path / "drive.pcapng", bytes([1, *bytes(99)])
    with capture.open("wb") as file:
        writer = PcapngWriter(file)
        for number, (source, outbound) in enumerate([("192.0.2.1:40001", False), ("192.0.2.9:40009", True)] * 2):
            data, link = encapsulate(source, message, port=47200)
            writer.packet(START_NS + number, data, link, outbound=outbound)
    for options, source in (([], "192.0.2.1:40001"), (["--sent"], "192.0.2.9:40009")):
        assert run(["decode", str(capture), "--port", "47200", *options]) == 0
        told = capsys.readouterr()
        assert [json.loads(line)["source"] for line in told.out.splitlines()] == [source] * 2
        assert told.err == f"{capture}: 2 x {'inbound' if options else 'outbound'}\n"
    assert run(["decode", str(capture)]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err.splitlines()) == ("", [f"{capture}: 2 x other_traffic", f"{capture}: 2 x outbound"])
