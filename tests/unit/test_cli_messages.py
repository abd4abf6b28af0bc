"""The command: decode, encode, doctor; exit codes, one-line complaints, and never a traceback."""

import csv
import io
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from asvtools import cli
from asvunit.adapters.capture import CaptureWriter
from asvunit.message import encode, values
from asvunit.radio.encapsulate import encapsulate
from asvunit.radio.pcapng import PcapngWriter

VECTORS = {
    vector["name"]: vector
    for vector in map(json.loads, (path.read_text() for path in (Path(__file__).parents[1] / "vectors").glob("*.json")))
}
TOKYO = VECTORS["tokyo_car"]
KEY, TIME, SIGNATURE = bytes([0, 0, 1, 2]), (1_700_000_000_123).to_bytes(8, "big"), bytes(range(64))
TRAILER = (b"PV" + KEY + TIME + SIGNATURE).hex()


@pytest.fixture
def asvkit(capsys, monkeypatch):
    """Runs one command line in this process: (exit code, stdout lines, stderr lines)."""

    def run(*arguments, stdin=b"", tty=False):
        stream = io.TextIOWrapper(io.BytesIO(stdin))
        stream.isatty = lambda: tty
        monkeypatch.setattr(sys, "stdin", stream)
        code = cli.run(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out.splitlines(), err.splitlines()

    return run


def real(*arguments, stdin=b""):
    """Runs the command as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "asvtools.cli", *arguments], input=stdin, capture_output=True, timeout=60, check=False
    )
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_version_of_the_real_command():
    assert real("--version") == (0, "asvkit 0.1.0\n", "")


def test_version_imports_nothing_heavy():
    heavy = ["numpy", "cantools", "pydantic", "can", "matplotlib", "starlette", "asyncio", "ssl", "importlib.metadata"]
    script = f"import sys, asvtools.cli; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"[]\n"


def test_real_pipe_both_ways():
    hexes = "\n".join(vector["hex"] for vector in VECTORS.values())
    code, out, err = real("decode", "-", stdin=hexes.encode())
    assert (code, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"raw": vector["raw"], "value": vector["value"]} for vector in VECTORS.values()
    ]
    assert real("encode", stdin=out.encode()) == (0, hexes + "\n", "")


def test_real_command_with_garbage():
    noise = random.Random(1).randbytes(3000) + b"\n\x00\xff\n"
    code, out, err = real("decode", "-", stdin=noise)
    assert (code, out) == (1, "")
    assert all(line.startswith("line ") for line in err.splitlines())
    code, out, err = real("encode", stdin=noise)
    assert (code, out) == (1, "")
    assert err.startswith("line 1: not JSON")


def test_output_that_cannot_be_written():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "asvtools.cli", "decode", TOKYO["hex"]],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"asvkit: output: No space left on device\n")


def test_a_reader_that_has_seen_enough():
    line = (TOKYO["hex"] + "\n").encode()
    process = subprocess.Popen(
        [sys.executable, "-m", "asvtools.cli", "decode", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdout.close()
    process.stdin.write(line * 300)
    process.stdin.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert err == b""


@pytest.mark.parametrize("command", ["decode", "encode", "doctor"])
def test_help(asvkit, command):
    code, out, err = asvkit(command, "--help")
    assert (code, err) == (0, [])
    assert f"asvkit {command}" in out[0] or command in " ".join(out)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "Missing command"),
        (["nonsense"], "No such command 'nonsense'"),
        (["decode"], "Missing argument"),
        (["decode", "--nonsense"], "No such option: --nonsense"),
        (["decode", "--csv", TOKYO["hex"]], "--csv needs a capture"),
        (["decode", "--csv", "--jsonl", "x.pcap"], "exclude each other"),
        (["decode", "x.pcap", TOKYO["hex"]], "cannot be mixed"),
        (["decode", "absent.pcapng"], "absent.pcapng"),
        (["encode", "{}", "{}"], "unexpected extra argument"),
    ],
)
def test_wrong_usage(asvkit, arguments, text):
    code, out, err = asvkit(*arguments)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith("asvkit: ")
    assert text in err[0]


def test_decode_arguments(asvkit):
    spaced = " ".join(TOKYO["hex"][at : at + 2] for at in range(0, 200, 2)).upper()
    code, out, err = asvkit("decode", TOKYO["hex"], "0x" + TOKYO["hex"], "0X" + TOKYO["hex"].upper(), spaced)
    assert (code, err, len(out), len(set(out))) == (0, [], 4, 1)


def test_decode_goes_on_after_a_bad_argument(asvkit):
    code, out, err = asvkit("decode", TOKYO["hex"], TOKYO["hex"][:-2], TOKYO["hex"][:-1], TOKYO["hex"])
    assert (code, len(out)) == (1, 2)
    assert err == [
        "argument 2: 99 bytes, neither 100 nor 178",
        f"argument 3: not hex, an odd number of digits: '{TOKYO['hex'][:40]}'",
    ]


def test_decode_lines(asvkit):
    other = "02" + TOKYO["hex"][2:]
    lines = ["\ufeff# a comment", "", TOKYO["hex"], "  ", "zz", f" {TOKYO['hex']}\r", other, "é" * 200]
    code, out, err = asvkit("decode", "-", stdin="\n".join(lines).encode())
    assert (code, len(out)) == (1, 2)
    assert [line.split(": ")[0] for line in err] == ["line 5", "line 7", "line 8"]
    assert err[1] == "line 7: message version 2, not 1"


def test_decode_of_nothing_is_good(asvkit):
    assert asvkit("decode", "-", stdin=b"\n# nothing\n") == (0, [], [])


def test_trailer(asvkit):
    code, out, _err = asvkit("decode", VECTORS["emergency"]["hex"] + TRAILER)
    shown = json.loads(out[0])
    assert code == 0
    assert shown["value"] == VECTORS["emergency"]["value"]
    assert shown["trailer"] == {
        "key_id": 258,
        "time_ms": 1_700_000_000_123,
        "signature": SIGNATURE.hex(),
        "verified": None,
    }
    code, out, err = asvkit("decode", VECTORS["emergency"]["hex"] + "00" + TRAILER[2:])
    assert (code, out) == (1, [])
    assert err == ["argument 1: the trailer begins with 0056, not 5056"]


def test_encode_argument(asvkit):
    for given in ({"raw": TOKYO["raw"]}, {"value": TOKYO["value"]}, {"raw": TOKYO["raw"], "value": 5}):
        assert asvkit("encode", json.dumps(given)) == (0, [TOKYO["hex"]], [])
    assert asvkit("encode", '{"raw": {}}') == (0, ["01" + "00" * 99], [])
    assert asvkit("encode", '{"raw": {"administration_data": 255, "speed": 255}}')[0] == 0


def test_encode_lines(asvkit):
    lines = [
        '{"raw": {"speed": 50}}', "", "{", "[]", '{"raw": 1}', '{"raw": {"speed": 256}}', '{"raw": {"speed": 1.5}}',
        '{"raw": {"sped": 1}}', '{"value": {"speed_kmh": NaN}}',
        '{"value": {"latitude_deg": -0.5, "longitude_deg": 1}}',
        "[" * 100_000, '{"raw": {"speed": ' + "9" * 5000 + "}}", '{"raw": {"speed": 51}}',
    ]  # fmt: skip
    for arguments in ((), ("-",)):
        code, out, err = asvkit("encode", *arguments, stdin="\n".join(lines).encode())
        assert code == 1
        assert out == [encode({"speed": speed}).hex() for speed in (50, 51)]
        assert [line.split(":")[0] for line in err] == [f"line {number}" for number in range(3, 13)]
        assert "speed: 256 is outside 0..255 (element 20)" in err[3]


def test_complaints_stay_short(asvkit):
    long = "f" * 100_000
    for given in ({"raw": {"independent_domain": long}}, {"raw": {"speed": long}}, {"value": {"road": long}}):
        code, _out, err = asvkit("encode", json.dumps(given))
        assert (code, len(err)) == (1, 1)
        assert len(err[0]) < 200


def test_encode_without_input_is_wrong_usage(asvkit):
    code, out, err = asvkit("encode", tty=True)
    assert (code, out) == (2, [])
    assert err[0].startswith("asvkit: encode: no JSON object")


@pytest.fixture
def capture(tmp_path):
    """Four frames: good, too short, with a trailer, of another version."""
    path = tmp_path / "radio.pcapng"
    with CaptureWriter(path) as writer:
        for number, payload in enumerate(
            [TOKYO["hex"], "00" * 99, VECTORS["emergency"]["hex"] + TRAILER, "02" + "00" * 99]
        ):
            writer.write(1_700_000_000_500_000_000 + number * 100_000_000, bytes.fromhex(payload), "02:00:00:00:00:09")
    return path


def test_capture_as_json_lines(asvkit, capture):
    for option in ((), ("--jsonl",)):
        code, out, err = asvkit("decode", str(capture), *option)
        rows = [json.loads(line) for line in out]
        assert code == 1
        assert [(row["t"], row["source"]) for row in rows] == [
            (1_700_000_000.5, "02:00:00:00:00:09"),
            (1_700_000_000.7, "02:00:00:00:00:09"),
        ]
        assert rows[0]["raw"] == TOKYO["raw"]
        assert rows[0]["value"] == TOKYO["value"]
        assert rows[1]["trailer"]["key_id"] == 258
        assert err == [
            f"{capture}: packet 2: 99 bytes, neither 100 nor 178",
            f"{capture}: packet 4: message version 2, not 1",
        ]


def test_capture_as_table(asvkit, capture):
    code, out, err = asvkit("decode", "--csv", str(capture))
    rows = list(csv.DictReader(out))
    assert (code, len(rows), len(err)) == (1, 2, 2)
    assert list(rows[0])[:4] == ["t", "source", "vehicle_id", "increment_counter"]
    told = {"t": "1700000000.5", "speed_kmh": "50", "brake": "false", "accelerator_switch": "", "raw_speed": "50"}
    assert {key: rows[0][key] for key in told} == told
    assert float(rows[0]["latitude_deg"]) == TOKYO["value"]["latitude_deg"]
    assert rows[0]["intersection_distance_m"] == ""
    assert rows[1]["intersection_distance_m"] == "500"
    assert rows[1]["raw_asv_reservation"] == VECTORS["emergency"]["raw"]["asv_reservation"]


def test_good_capture_is_good(asvkit, tmp_path):
    path = tmp_path / "radio.pcap"
    with CaptureWriter(path) as writer:
        writer.write(1_700_000_000_000_000_000, bytes.fromhex(TOKYO["hex"]))
    code, out, err = asvkit("decode", str(path))
    assert (code, len(out), err) == (0, 1, [])


def test_the_received_power_is_shown_where_the_capture_tells_it(asvkit, tmp_path):
    path = tmp_path / "radio.pcapng"
    with path.open("wb") as file:
        writer = PcapngWriter(file)
        for number, power in enumerate((-71, None)):
            data, link = encapsulate("02:00:00:00:00:09", bytes.fromhex(TOKYO["hex"]), power_dbm=power)
            writer.packet(1_700_000_000_000_000_000 + number, data, link)
    rows = [json.loads(line) for line in asvkit("decode", str(path))[1]]
    assert [row.get("power_dbm") for row in rows] == [-71, None]
    table = list(csv.DictReader(asvkit("decode", "--csv", str(path))[1]))
    assert [row["power_dbm"] for row in table] == ["-71", ""]
    assert table[0]["raw_speed"] == "50"


def test_cut_capture_is_reported(asvkit, capture):
    capture.write_bytes(capture.read_bytes()[:-20])
    code, out, err = asvkit("decode", str(capture))
    assert (code, len(out)) == (1, 2)
    assert err[-1] == f"{capture}: 1 x truncated_file"


def test_a_file_that_is_no_capture(asvkit, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("nothing")
    code, out, err = asvkit("decode", str(path))
    assert (code, out, len(err)) == (2, [], 1)
    assert str(path) in err[0]


def test_failures_become_one_line(asvkit, monkeypatch):
    def interrupted(_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_invoke", interrupted)
    assert asvkit("decode", "-") == (130, [], ["asvkit: interrupted"])


def test_value_keys_of_the_vectors_are_complete():
    assert list(values({})) == list(TOKYO["value"])
