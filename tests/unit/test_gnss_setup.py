"""`asvkit gnss setup` against a u-blox that is played: both generations, and all that can go wrong on the way."""

import io
import json
import threading
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvrig.gnss_feed import sentence
from asvrig.live.ublox import UbloxPty
from asvtools import gnss_command, gnss_setup
from asvtools.gnss_setup import Outcome, Wanted, set_up
from asvtools.ublox_dialects import Version
from asvtools.ublox_line import BAUDS, Mixed, UbloxLine, Ubx
from asvunit.errors import AsvkitError, UsageError

PACE_S = 0.01
PATIENCE_S = 0.4
LISTEN_S = 0.6  # by the receiver's own time: six epochs, here 0.06 s

GENERATIONS = ["keyed", "legacy"]
TRIED = ["keyed", pytest.param("legacy", marks=pytest.mark.long)]  # what takes its time


class Played:
    """A receiver that is served by a thread."""

    def __init__(self, receiver: UbloxPty) -> None:
        self.receiver = receiver
        self._stop = threading.Event()
        self._thread = threading.Thread(target=receiver.serve, args=(self._stop, PACE_S), daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self.receiver.close()


@pytest.fixture
def played(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Plays receivers, until the test ends."""
    playing: list[Played] = []

    def play(generation: Any = "keyed", **more: Any) -> UbloxPty:
        playing.append(Played(UbloxPty(generation=generation, **more)))
        return playing[-1].receiver

    yield play
    for one in playing:
        one.end()


def done(receiver: UbloxPty, bauds: Any = (), **wanted: Any) -> Outcome:
    wanted.setdefault("interface", receiver.interface.lower())
    line = UbloxLine(lambda baud: gnss_command._open(receiver.port, baud), PATIENCE_S)
    try:
        return set_up(receiver.port, line, bauds or (receiver.baud,), Wanted(**wanted), LISTEN_S)
    finally:
        line.close()


def states(outcome: Outcome) -> dict[str, str]:
    """What is not as wanted."""
    return {row.what: row.state for row in outcome.bad}


def row(outcome: Outcome, what: str) -> Any:
    return next(one for one in outcome.rows if one.what == what)


WANTED_RATES = {"RMC": 1, "GGA": 1, "GST": 1, "VTG": 1, "GSA": 0, "GSV": 0, "GLL": 0}


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("interface", ["UART1", "UART2", "USB"])
def test_all_is_set_and_measured(played: Any, generation: str, interface: str) -> None:
    receiver = played(generation, interface=interface, baud=38_400)
    outcome = done(receiver, save=True)
    assert outcome.bad == [], outcome.lines()
    assert receiver.rates == WANTED_RATES
    assert (receiver.measure_ms, receiver.navigate, receiver.model, receiver.nmea) == (100, 1, 4, True)
    assert receiver.baud == (38_400 if interface == "USB" else 115_200)
    assert outcome.baud == (38_400 if interface == "USB" else 115_200)
    assert row(outcome, "measured").found == "10.0 Hz RMC GGA GST VTG"
    assert all(receiver.saved.values())
    assert (outcome.settings_by, outcome.interface) == (
        {"keyed": "keys", "legacy": "messages"}[generation],
        interface.lower(),
    )


def test_what_it_says_of_itself(played: Any) -> None:
    told = [done(played(generation), dry_run=True) for generation in GENERATIONS]
    assert [(one.model, one.firmware, one.protocol) for one in told] == [
        ("ZED-F9P", "HPG 1.13", "27.12"),
        ("hardware 00080000", "SPG 3.01", "18.00"),
    ]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_once_more_changes_nothing(played: Any, generation: str) -> None:
    receiver = played(generation)
    assert not done(receiver).bad
    receiver.asked.clear()
    assert not done(receiver).bad
    written = [number for (_group, number), count in receiver.asked.items() if count and number == 0x8A]
    assert written == []
    assert receiver.saved == {"bbr": {}, "flash": {}}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_dry_run_changes_nothing(played: Any, generation: str) -> None:
    receiver = played(generation)
    outcome = done(receiver, dry_run=True, save=True)
    assert not outcome.bad
    assert (receiver.measure_ms, receiver.baud, receiver.rates["GSV"], receiver.model) == (1000, 38_400, 1, 0)
    would = {one.what: (one.wanted, one.found) for one in outcome.rows if one.state == "would_set"}
    assert would == {
        "baud": ("115200", "38400"),
        "GSA": ("off", "on"),
        "GSV": ("off", "on"),
        "GLL": ("off", "on"),
        "GST": ("on", "off"),
        "motion model": ("automotive", "portable"),
        "rate": ("10 Hz", "1 Hz"),
    }


@pytest.mark.long
@pytest.mark.parametrize(
    ("generation", "name", "answer", "state"),
    [
        *product(GENERATIONS, ["GST", "model", "rate", "nmea"], ["nak"], ["refused"]),
        *product(GENERATIONS, ["GSV", "model", "rate", "nmea"], ["ignored"], ["differs"]),
        pytest.param("keyed", "rate", "silent", "no_answer", marks=pytest.mark.long),  # these take their time
        ("legacy", "GST", "silent", "no_answer"),
    ],
)
def test_what_a_receiver_does_not_take_is_told(
    played: Any, generation: str, name: str, answer: Any, state: str
) -> None:
    receiver = played(generation)
    receiver.nmea = name != "nmea"
    receiver.faults.answers[name] = answer
    outcome = done(receiver)
    what = {"model": "motion model", "nmea": "NMEA output"}.get(name, name)
    assert states(outcome)[what] == state
    assert set(states(outcome)) <= {what, "measured"}
    assert ("measured" in states(outcome)) == (name != "model")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_most_that_it_gives(played: Any, generation: str) -> None:
    receiver = played(generation)
    receiver.faults.max_hz = 5
    outcome = done(receiver)
    rate = row(outcome, "rate")
    assert (rate.wanted, rate.found, rate.state) == ("10 Hz", "5 Hz", "refused")
    assert "5 Hz is the most" in rate.note
    measured = row(outcome, "measured")
    assert measured.found == "5.0 Hz RMC GGA GST VTG"
    assert states(outcome) == {"rate": "refused", "measured": "not_as_wanted"}


@pytest.mark.parametrize("generation", TRIED)
@pytest.mark.parametrize("start", [9600, 115_200])
def test_its_baud_rate_is_found(played: Any, generation: str, start: int) -> None:
    receiver = played(generation, baud=start)
    assert not done(receiver, bauds=(38_400, 9600, 115_200)).bad
    assert receiver.baud == 115_200


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_new_baud_rate_without_acknowledge(played: Any, generation: str) -> None:
    receiver = played(generation, baud=9600)
    receiver.faults.baud_ack = False
    assert not done(receiver).bad
    assert receiver.baud == 115_200


@pytest.mark.long
@pytest.mark.parametrize("generation", TRIED)
@pytest.mark.parametrize(("answer", "state"), [("nak", "refused"), ("ignored", "differs"), ("silent", "no_answer")])
def test_a_baud_rate_that_it_does_not_take(played: Any, generation: str, answer: Any, state: str) -> None:
    receiver = played(generation, baud=9600)
    receiver.faults.answers["baud"] = answer
    outcome = done(receiver)
    assert states(outcome) == {"baud": state}
    assert (row(outcome, "baud").found, outcome.baud, receiver.baud) == ("9600", 9600, 9600)
    assert receiver.rates == WANTED_RATES  # the rest is set all the same


@pytest.mark.long
def test_a_receiver_lost_by_the_change_of_baud(played: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = played(baud=9600)
    lost = receiver._new_baud
    monkeypatch.setattr(receiver, "_new_baud", lambda number, _baud: lost(number, 1200))
    monkeypatch.setattr(gnss_setup, "BAUDS", (9600, 115_200))
    with pytest.raises(AsvkitError, match="answers no more") as told:
        done(receiver)
    assert "power it off and on" in str(told.value)


@pytest.mark.parametrize("generation", TRIED)
@pytest.mark.parametrize(
    "noise",
    [
        b"\xb5\x62\x06\x8b\xe8\x03",  # begins a message that never ends
        b"\xb5\x62\x05\x01\x02\x00\x06\x8a\x00\x00",  # an acknowledge with a bad checksum
        b"$GNRMC,1,2,3",
        b"\xb5\xb5$$\xb5",
        bytes(range(256)),
    ],
)
def test_noise_before_every_answer(played: Any, generation: str, noise: bytes) -> None:
    receiver = played(generation)
    receiver.faults.noise = noise
    assert not done(receiver).bad


def test_saving(played: Any) -> None:
    keyed = played()
    keyed.faults.flash = False
    saved = row(done(keyed, save=True), "saved")
    assert (saved.state, saved.found) == ("as_wanted", "battery-backed memory")
    assert "flash: refused; kept while its backup battery lasts" in saved.note
    assert keyed.saved["bbr"][0x30210001] == 100
    assert keyed.saved["flash"] == {}
    for generation in GENERATIONS:
        receiver = played(generation)
        receiver.faults.answers["save"] = "nak"
        assert states(done(receiver, save=True)) == {"saved": "refused"}


def test_what_it_did_not_take_is_not_saved(played: Any) -> None:
    receiver = played()
    receiver.faults.answers["model"] = "nak"
    assert states(done(receiver, save=True)) == {"motion model": "refused"}
    assert 0x20110021 not in receiver.saved["flash"]
    assert receiver.saved["flash"][0x40520001] == 115_200


def test_the_wrong_interface_is_told(played: Any) -> None:
    receiver = played(interface="UART2")
    outcome = done(receiver, interface="uart1", baud=38_400)
    assert states(outcome)["GST"] == "refused"
    assert "measured" in states(outcome)


def test_nothing_measured(played: Any) -> None:
    receiver = played()
    receiver.faults.mute_nmea = True
    outcome = done(receiver)
    measured = row(outcome, "measured")
    assert (measured.found, measured.state) == ("nothing", "not_as_wanted")
    assert "--interface" in measured.note


def test_a_receiver_of_another_maker(played: Any) -> None:
    receiver = played(baud=9600)
    receiver.faults.answers["version"] = "silent"
    with pytest.raises(UsageError) as refused:
        done(receiver, bauds=(9600, 38_400))  # the second is not tried: it speaks
    assert str(refused.value).startswith(
        f"{receiver.port}: speaks NMEA at 9600 baud but answers no UBX: it is no u-blox"
    )


def test_a_line_that_says_nothing_or_nonsense(played: Any) -> None:
    receiver = played(baud=4800)
    with pytest.raises(UsageError, match="bytes arrive, but no sentence and no UBX at 9600, 38400 baud"):
        done(receiver, bauds=(38_400, 9600))
    receiver.silent = True
    with pytest.raises(UsageError, match="says nothing at 9600 baud; is it powered"):
        done(receiver, bauds=(9600,))


def test_a_receiver_without_a_protocol_version(played: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest do not tell it: whether they take keys is then tried."""
    for generation, by in zip(GENERATIONS, ("keys", "messages"), strict=True):
        receiver = played(generation)
        monkeypatch.setattr(
            receiver, "_version", lambda: b"7.03 (45969)".ljust(30, b"\0") + b"00040007".ljust(10, b"\0")
        )
        outcome = done(receiver)
        assert (outcome.settings_by, outcome.firmware, outcome.model) == (by, "7.03 (45969)", "hardware 00040007")
        assert not outcome.bad


@given(st.binary(max_size=200))
def test_any_version_is_read(payload: bytes) -> None:
    version = Version(payload)
    assert version.keyed in (None, True, False)
    assert (version.model + version.firmware + version.protocol).isprintable()


# The mixed stream

MESSAGE = Ubx(0x06, 0x8B, b"\1\0\0\0\1\0\x21\x30\x64\0")
SENTENCE = "GNRMC,120000.00,A,3540.87,N,13946.02,E,0.0,,211126,,,A"


@given(
    st.lists(st.one_of(st.just(MESSAGE), st.just(SENTENCE), st.binary(max_size=40)), max_size=12),
    st.lists(st.integers(0, 3000), max_size=20),
)
def test_messages_come_out_of_any_noise_in_any_pieces(parts: list[Ubx | str | bytes], cuts: list[int]) -> None:
    raw = b""
    for part in parts:
        raw += part.frame if isinstance(part, Ubx) else sentence(part) if isinstance(part, str) else part
    bounds = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    mixed = Mixed()
    pieces = [raw[start:end] for start, end in pairwise(bounds)]
    heard = [one for piece in pieces for one in mixed.feed(piece)] + list(mixed.feed(b"", hurry=True))
    wanted = [part for part in parts if not isinstance(part, bytes)]
    heard = [one for one in heard if isinstance(one, Ubx) or one.startswith("GNRMC")]
    assert heard == wanted


def test_what_has_no_end_hides_nothing() -> None:
    mixed = Mixed()
    assert list(mixed.feed(b"\xb5\x62\x06\x8b\xe8\x03" + MESSAGE.frame)) == []
    assert list(mixed.feed(b"", hurry=True)) == [MESSAGE]
    assert mixed.noise == 6


def test_a_late_answer_to_another_poll_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    late = Ubx(0x06, 0x8B, b"\1\0\0\0\2\0\x21\x30\1\0")
    line = UbloxLine(lambda _baud: io.BytesIO(), PATIENCE_S)
    line.open(9600)
    monkeypatch.setattr(line, "hear", lambda _seconds: iter([late, Ubx(5, 1, b"\x06\x8b"), SENTENCE, MESSAGE]))
    assert line.ask(Ubx(0x06, 0x8B, b"\0\0\0\0\1\0\x21\x30"), slice(4, 8)) == MESSAGE
    assert line.ask(Ubx(0x06, 0x8B, b"\0\0\0\0\3\0\x21\x30"), slice(4, 8)) is None


def test_the_frame_is_that_of_the_library() -> None:
    from pyubx2 import UBXMessage

    assert Ubx(0x06, 0x8B, b"\0\0\0\0\1\0\x21\x30").frame == UBXMessage.config_poll(0, 0, ["CFG_RATE_MEAS"]).serialize()


# The command


def run(*arguments: str) -> None:
    gnss_command.app(list(arguments), standalone_mode=False)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UbloxLine.__init__, "__defaults__", (PATIENCE_S,))
    monkeypatch.setattr(set_up, "__defaults__", (LISTEN_S,))


@pytest.mark.usefixtures("quick")
def test_the_command_tells_all_of_it(played: Any, capsys: pytest.CaptureFixture[str]) -> None:
    receiver = played(baud=38_400)
    run("setup", receiver.port, "--save")  # finds it at the second baud rate that it tries
    text = capsys.readouterr().out
    assert "u-blox ZED-F9P, firmware HPG 1.13, protocol 27.12; set by keys on uart1" in text
    assert "rate          10 Hz" in text
    assert f'[gnss] port = "{receiver.port}", baud = 115200' in text
    run("setup", receiver.port, "--json", "--baud", "115200")
    told = json.loads(capsys.readouterr().out)
    assert (told["good"], told["baud"], told["protocol"]) == (True, 115_200, "27.12")
    assert {one["what"]: one["found"] for one in told["rows"]}["rate"] == "10 Hz"


@pytest.mark.usefixtures("quick")
def test_the_command_fails_where_something_could_not_be_set(played: Any, capsys: pytest.CaptureFixture[str]) -> None:
    receiver = played("legacy", baud=115_200)
    receiver.faults.answers["GST"] = "nak"
    with pytest.raises(AsvkitError, match="2 of 12 not as wanted: GST, measured") as failed:
        run("setup", receiver.port, "--baud", "115200")
    assert failed.value.exit_code == 1
    text = capsys.readouterr().out
    assert "refused (NAK)" in text
    assert "GST missing" in text
    run("setup", receiver.port, "--baud", "115200", "--dry-run")
    assert "nothing was changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/dev/none"], "/dev/none: no such device"),
        (["/dev/null"], "is no serial line"),
        (["/dev/none", "--model", "autmotive"], "--model: autmotive is not known; one of portable"),
        (["/dev/none", "--target-baud", "12345"], "--target-baud: 12345"),
        (["/dev/none", "--baud", "fast"], "--baud: fast is no baud rate"),
        (["/dev/none", "--interface", "spi"], "--interface: spi"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        run("setup", *arguments)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("quick")
def test_a_port_in_use(played: Any) -> None:
    receiver = played()
    held = gnss_command._open(receiver.port, 9600)
    with pytest.raises(UsageError, match="another program has it open"):
        run("setup", receiver.port)
    held.close()


@pytest.mark.usefixtures("quick")
def test_unplugged_in_the_middle(played: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = played(baud=9600)
    take, port = receiver._take, receiver.port

    def pull(group: int, number: int, payload: bytes) -> None:
        take(group, number, payload)
        if number == 0x8B:
            receiver.unplug()

    monkeypatch.setattr(receiver, "_take", pull)
    with pytest.raises(AsvkitError, match="lost while it was set up") as told:
        run("setup", port, "--target-baud", "9600")
    assert (told.value.exit_code, "\n" in str(told.value)) == (1, False)


def test_usb_is_known_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "ttyACM3").touch()
    (tmp_path / "gps").symlink_to(tmp_path / "ttyACM3")
    told = [gnss_command._interface("auto", str(tmp_path / name)) for name in ("gps", "ttyACM3", "ttyUSB0")]
    assert told == ["usb", "usb", "uart1"]
    assert gnss_command._interface("uart2", "/dev/ttyACM0") == "uart2"
    assert BAUDS[0] == 9600
