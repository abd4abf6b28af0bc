"""Captures with signed frames through `asvkit replay`: only a genuine and new trailer becomes the radio's flag."""

import json
from pathlib import Path

import pytest

from asvcore import codes, journal
from asvcore.commands import KIND, WIDTH
from asvcore.core import Core
from asvrig.keys import key_from_seed, public_hex
from asvtools.cli import run
from asvunit.adapters.capture import CaptureWriter
from asvunit.message import encode, raw_from_values
from asvunit.trailer import sign

MS = 1_000_000
START_MS = 1_790_000_000_000
KEY_ID, SECOND_ID, STRANGE_ID = 1001, 1002, 9
MAC = "02:00:00:00:00:{:02x}"

# One heard frame: ms after the start, number of the sender's address, what is on the air
Heard = tuple[int, int, bytes]


def message(counter: int, vehicle_id: int = 77) -> bytes:
    value = {
        "vehicle_id": vehicle_id,
        "increment_counter": counter & 0xFF,
        "latitude_deg": 35.5,
        "longitude_deg": 139.7,
        "horizontal_error_m": 5,
        "speed_kmh": 60,
        "direction_deg": 90,
        "emergency": True,
    }
    return encode(raw_from_values(value))


def signed(counter: int, at_ms: int, key_id: int = KEY_ID, key_of: int | None = None) -> bytes:
    return sign(message(counter), key_id, key_from_seed(key_of or key_id), START_MS + at_ms)


class Replayed:
    """What came of a capture."""

    def __init__(self, folder: Path, heard: list[Heard], keys: bool = True, start_ms: int = START_MS) -> None:
        capture, config = folder / "radio.pcapng", folder / "unit.toml"
        with CaptureWriter(capture) as writer:
            for at_ms, sender, frame in heard:
                writer.write((start_ms + at_ms) * MS, frame, MAC.format(sender))
        known = f'{KEY_ID} = "{public_hex(KEY_ID)}"\n{SECOND_ID:#x} = "{public_hex(SECOND_ID)}"\n'
        config.write_text("[emergency.keys]\n" + known if keys else "")
        self.journal, events = folder / "inputs.journal", folder / "events.jsonl"
        arguments = ["--radio", capture, "--config", config, "--journal", self.journal, "--events", events]
        assert run(["replay", *map(str, arguments)]) == 0
        self.events = [json.loads(line) for line in events.read_text().splitlines()]

    def flags(self) -> list[int]:
        lines = [line.split() for line in self.journal.read_text().splitlines() if line.startswith("M ")]
        assert all(len(line[5]) == 200 for line in lines)  # the trailer stays outside
        return [int(line[4]) for line in lines]

    def trailers(self) -> list[tuple[str, str, int, int]]:
        told = [one for one in self.events if one["event"] == "trailer"]
        return [(one["reason"], one["source"], one["key_id"], one["vehicle_id"]) for one in told]

    def unverified(self) -> int:
        return sum(one["event"] == "drop" and one["reason"] == "emergency_unverified" for one in self.events)

    def unverified_again(self) -> int:
        """The same out of the journal alone, which knows no keys."""
        lines = self.journal.read_text().splitlines()
        core, record, count = Core(journal.settings_of(lines[1])), [0] * WIDTH, 0
        for line in lines[2:]:
            journal.feed(core, line)
            while core.commands.take(record):
                count += record[KIND] == codes.COMMAND_DROP and record[4] == codes.REASON_EMERGENCY_UNVERIFIED
        return count


def test_a_signed_vehicle_is_believed_all_along(tmp_path: Path) -> None:
    replayed = Replayed(tmp_path, [(n * 100 + 3, 1, signed(n, n * 100)) for n in range(30)])
    assert replayed.flags() == [1] * 30
    assert replayed.trailers() == [("accepted", MAC.format(1), KEY_ID, 77)]
    assert replayed.unverified() == replayed.unverified_again() == 0


@pytest.mark.parametrize(
    ("reason", "frames"),
    [
        ("bad_signature", [signed(n, n * 100, key_of=STRANGE_ID) for n in range(10)]),
        ("bad_signature", [signed(n, n * 100, SECOND_ID, key_of=KEY_ID) for n in range(10)]),
        ("unknown_key", [signed(n, n * 100, STRANGE_ID) for n in range(10)]),
        ("stale", [signed(n, n * 100 - 10_000) for n in range(10)]),
        ("stale", [signed(n, n * 100 + 3_600_000) for n in range(10)]),
        ("bad_signature", [message(n) + signed(n + 1, n * 100)[100:] for n in range(10)]),
    ],
    ids=["forged", "another_vehicles_key", "unknown_key", "old", "ahead", "message_changed"],
)
def test_what_is_not_genuine_never_is(tmp_path: Path, reason: str, frames: list[bytes]) -> None:
    replayed = Replayed(tmp_path, [(n * 100, 1, frame) for n, frame in enumerate(frames)])
    assert replayed.flags() == [0] * 10
    assert [told[0] for told in replayed.trailers()] == [reason] * 10
    assert replayed.unverified() == replayed.unverified_again() == 10


def test_an_attacker_who_plays_frames_again_gains_nothing(tmp_path: Path) -> None:
    """From an address of its own, at once and for ever; the vehicle itself goes on undisturbed."""
    own = [(n * 100, 1, signed(n, n * 100)) for n in range(40)]
    again = [(n * 100 + 20, 2, signed(n, n * 100)) for n in range(40)]
    for_ever = [(n * 100 + 40, 3, message(n, 78) + signed(0, 0)[100:]) for n in range(40)]
    replayed = Replayed(tmp_path, sorted(own + again + for_ever))
    assert replayed.flags() == [1, 0, 0] * 40
    told = replayed.trailers()
    assert {source for reason, source, *_rest in told if reason == "accepted"} == {MAC.format(1)}
    assert [reason for reason, source, *_rest in told if source == MAC.format(2)] == ["replayed"] * 40
    of_third = [reason for reason, source, *_rest in told if source == MAC.format(3)]
    assert set(of_third[:20]) == {"replayed"}
    assert set(of_third[25:]) == {"stale"}


def test_an_attacker_does_not_get_in_before_the_vehicle_by_a_forged_later_time(tmp_path: Path) -> None:
    forged = [(n * 100 + 50, 2, signed(n, n * 100 + 1900, key_of=STRANGE_ID)) for n in range(20)]
    replayed = Replayed(tmp_path, sorted([(n * 100, 1, signed(n, n * 100)) for n in range(20)] + forged))
    assert replayed.flags() == [1, 0] * 20


def test_two_vehicles_have_a_key_each(tmp_path: Path) -> None:
    heard = [(n * 100 + k, k, signed(n, n * 100, key)) for n in range(10) for k, key in ((1, KEY_ID), (2, SECOND_ID))]
    replayed = Replayed(tmp_path, heard)
    assert replayed.flags() == [1] * 20
    assert replayed.trailers() == [("accepted", MAC.format(k), key, 77) for k, key in ((1, KEY_ID), (2, SECOND_ID))]


def test_without_keys_every_trailer_is_told_and_none_believed(tmp_path: Path) -> None:
    replayed = Replayed(tmp_path, [(n * 100, 1, signed(n, n * 100)) for n in range(5)], keys=False)
    assert replayed.flags() == [0] * 5
    assert [told[0] for told in replayed.trailers()] == ["no_keys"] * 5
    assert replayed.unverified() == 5


def test_a_log_without_a_date_is_no_trusted_clock(tmp_path: Path) -> None:
    replayed = Replayed(tmp_path, [(n * 100, 1, signed(n, n * 100)) for n in range(5)], start_ms=1000)
    assert replayed.flags() == [0] * 5
    assert [told[0] for told in replayed.trailers()] == ["no_clock"] * 5


def test_unsigned_and_malformed_frames_have_no_trailer_to_tell_of(tmp_path: Path) -> None:
    unmarked = bytearray(signed(2, 200))
    unmarked[100] = 0
    heard = [(0, 1, message(0)), (100, 1, signed(1, 100)[:-1]), (200, 1, bytes(unmarked))]
    capture = tmp_path / "more"
    capture.mkdir()
    replayed = Replayed(capture, [*heard, (300, 1, signed(3, 300))])
    assert [told[0] for told in replayed.trailers()] == ["accepted"]
    drops = [one["reason"] for one in replayed.events if one["event"] == "drop"]
    assert drops == ["emergency_unverified", "length", "length"]


def test_the_same_capture_gives_the_same_bytes(tmp_path: Path) -> None:
    heard = [(n * 3, n % 7, signed(n, n * 3, key_of=STRANGE_ID if n % 2 else None)) for n in range(400)]
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        Replayed(folder, heard)
    one, two = (
        ((folder / "events.jsonl").read_bytes(), (folder / "inputs.journal").read_bytes()) for folder in folders
    )
    assert one == two
    assert b"rate_limited" in one[0]
