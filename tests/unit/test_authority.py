"""Trailers of emergency vehicles: built, taken apart, believed or not, by keys and by the trusted clock."""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from asvtools.cli import run
from asvunit.authority import ACCEPTED, WINDOW_MS, Authority, log_judge
from asvunit.authority_keys import key_bytes, key_id, load_keys
from asvunit.config import load_config
from asvunit.errors import UsageError
from asvunit.ports import Fix, RadioFrame
from asvunit.radio.own_key import load_own_key
from asvunit.trailer import SIGNED_FRAME_BYTES, has_trailer, sign, signed_bytes, split
from asvunit.trusted_time import GnssTime, log_time_ms

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
MS = 1_000_000
PAYLOAD = bytes(range(100))


def private(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(bytes([seed])).digest())


def public_hex(seed: int) -> str:
    return private(seed).public_key().public_bytes_raw().hex()


KEY = private(1)


@pytest.fixture
def authority() -> Authority:
    return Authority({5: KEY.public_key(), 6: private(2).public_key()})


def signed(
    time_ms: int = NOW_MS, key: int = 5, private_key: Ed25519PrivateKey = KEY, payload: bytes = PAYLOAD
) -> bytes:
    return sign(payload, key, private_key, time_ms)


def judge(authority: Authority, payload: bytes, now_ms: int | None, source: str = "192.0.2.1:40000") -> str:
    return authority.judge(RadioFrame((now_ms or NOW_MS) * MS, source, payload), now_ms)


# The trailer


def test_a_trailer_is_the_bytes_that_the_air_interface_fixes() -> None:
    frame = sign(PAYLOAD, 0x01020304, KEY, 0x0A0B0C0D0E0F)
    assert len(frame) == 178
    assert frame[:100] == PAYLOAD
    assert frame[100:114].hex() == "50560102030400000a0b0c0d0e0f"
    KEY.public_key().verify(frame[114:], PAYLOAD + bytes.fromhex("0102030400000a0b0c0d0e0f"))  # raises if not


@given(st.binary(min_size=100, max_size=100), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_what_was_signed_is_taken_apart_again(payload: bytes, key: int, time_ms: int) -> None:
    frame = sign(payload, key, KEY, time_ms)
    taken, trailer = split(frame)
    assert trailer is not None
    assert (taken, trailer.key_id, trailer.time_ms, trailer.signature) == (payload, key, time_ms, frame[-64:])
    KEY.public_key().verify(trailer.signature, signed_bytes(frame))


@given(st.one_of(st.binary(max_size=300), st.binary(min_size=178, max_size=178)))
def test_any_bytes_are_split_and_judged(frame: bytes) -> None:
    payload, trailer = split(frame)
    assert (trailer is not None) == (len(frame) == 178 and frame[100:102] == b"PV") == has_trailer(frame)
    assert payload == (frame[:100] if trailer else frame)
    assert judge(Authority({5: KEY.public_key()}), frame, NOW_MS) in ("malformed", "unknown_key", "stale")


@pytest.mark.parametrize(("key", "time_ms"), [(-1, 0), (2**32, 0), (0, -1), (0, 2**64)])
def test_what_does_not_fit_is_not_signed(key: int, time_ms: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        sign(PAYLOAD, key, KEY, time_ms)


def test_only_a_message_is_signed() -> None:
    with pytest.raises(ValueError, match="100 bytes, not 99"):
        sign(PAYLOAD[1:], 1, KEY, 1)


# The verdict


def test_a_genuine_trailer_is_accepted(authority: Authority) -> None:
    assert judge(authority, signed(), NOW_MS) == ""
    assert judge(authority, signed(NOW_MS + 100), NOW_MS + 105) == ""


@given(st.integers(0, SIGNED_FRAME_BYTES * 8 - 1))
def test_no_bit_can_be_changed(bit: int) -> None:
    frame = bytearray(signed())
    frame[bit // 8] ^= 1 << bit % 8
    authority = Authority({5: KEY.public_key(), 4: KEY.public_key()})  # a flipped id may be another known one
    assert judge(authority, bytes(frame), NOW_MS) != ""
    assert judge(authority, signed(), NOW_MS) == ""  # and what was refused has spoilt nothing


def test_each_refusal(authority: Authority) -> None:
    assert judge(authority, signed()[:-1], NOW_MS) == "malformed"
    assert judge(authority, PAYLOAD, NOW_MS) == "malformed"
    assert judge(authority, signed(key=7), NOW_MS) == "unknown_key"
    assert judge(authority, signed(), None) == "no_clock"
    assert judge(authority, signed(private_key=private(9)), NOW_MS) == "bad_signature"
    assert judge(authority, signed(key=6), NOW_MS) == "bad_signature"  # each vehicle signs with its own
    other = signed(payload=PAYLOAD[::-1])
    assert judge(authority, PAYLOAD + other[100:], NOW_MS) == "bad_signature"  # a trailer goes with its own message
    assert judge(authority, signed(2**64 - 1), NOW_MS) == "stale"
    assert judge(authority, signed(0), NOW_MS) == "stale"


@pytest.mark.parametrize(
    ("off_ms", "reason"),
    [(-WINDOW_MS, ""), (WINDOW_MS, ""), (-WINDOW_MS - 1, "stale"), (WINDOW_MS + 1, "stale"), (-10_000, "stale")],
)
def test_the_window_is_two_seconds_either_way(authority: Authority, off_ms: int, reason: str) -> None:
    assert WINDOW_MS == 2000
    assert judge(authority, signed(NOW_MS + off_ms), NOW_MS) == reason


def test_a_replayed_trailer_is_refused_at_once_and_later(authority: Authority) -> None:
    first, second = signed(NOW_MS), signed(NOW_MS + 100)
    assert [judge(authority, one, NOW_MS + 100) for one in (first, second, second, first)] == [
        "",
        "",
        *["replayed"] * 2,
    ]
    assert judge(authority, second, NOW_MS + 1900) == "replayed"
    assert judge(authority, second, NOW_MS + 2101) == "stale"
    assert judge(authority, signed(NOW_MS + 101), NOW_MS + 1900) == ""


def test_keys_do_not_outdate_each_other(authority: Authority) -> None:
    assert judge(authority, signed(NOW_MS + 1000), NOW_MS) == ""
    assert judge(authority, signed(NOW_MS, 6, private(2)), NOW_MS) == ""


def test_a_forged_time_moves_nothing(authority: Authority) -> None:
    """Somebody without the key cannot shut out the vehicle by a later time."""
    assert judge(authority, signed(NOW_MS + 1999, private_key=private(9)), NOW_MS) == "bad_signature"
    assert judge(authority, signed(NOW_MS), NOW_MS) == ""


class CountingKey:
    """A public key that tells how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def verify(self, signature: bytes, data: bytes) -> None:
        self.asked += 1
        KEY.public_key().verify(signature, data)


def test_only_what_may_be_genuine_costs_a_verification() -> None:
    key = CountingKey()
    authority = Authority({5: key})  # type: ignore[dict-item]
    cheap = [signed(key=7), signed(NOW_MS - 5000), signed()[:-1], signed(NOW_MS + 2001)]
    assert "" not in [judge(authority, one, NOW_MS) for one in cheap]
    assert judge(authority, signed(), None) == "no_clock"
    assert key.asked == 0
    assert judge(authority, signed(), NOW_MS) == ""
    assert judge(authority, signed(), NOW_MS) == "replayed"
    assert key.asked == 1


def test_a_frame_with_a_wrong_signature_is_known_again() -> None:
    key = CountingKey()
    authority = Authority({5: key})  # type: ignore[dict-item]
    forged = signed(private_key=private(9))
    assert {judge(authority, forged, NOW_MS + n) for n in range(1000)} == {"bad_signature"}
    assert key.asked == 1
    assert judge(authority, signed(), NOW_MS + 1000) == ""


def test_a_time_far_behind_the_last_accepted_is_replayed_though_the_clock_was_set_back(authority: Authority) -> None:
    assert judge(authority, signed(), NOW_MS) == ""
    early_ms = NOW_MS - 3_600_000
    assert judge(authority, signed(early_ms), early_ms) == "replayed"


# Keys of the configuration


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("17", 17), ("0x11", 17), ("0XfF", 255), ("4294967295", 2**32 - 1), ("007", 7)]
)
def test_key_ids(text: str, number: int) -> None:
    assert key_id(text) == number


@pytest.mark.parametrize(
    "text", ["", "x", "0x", "1_0", " 1", "+1", "-1", "4294967296", "0x100000000", "1.5", "\uff11", "9" * 5000]
)
def test_wrong_key_ids(text: str) -> None:
    with pytest.raises(ValueError, match="is no key id; "):
        key_id(text)


def test_keys_are_read() -> None:
    keys = load_keys({"5": public_hex(1), "0x6": public_hex(2).upper()})
    assert {number: key.public_bytes_raw().hex() for number, key in keys.items()} == {
        5: public_hex(1),
        6: public_hex(2),
    }


@given(st.integers(0, 2**64))
def test_every_real_key_is_taken(seed: int) -> None:
    raw = Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big")).public_key().public_bytes_raw()
    assert key_bytes(raw.hex()) == raw


# All encodings of the eight points of small order, and two that encode one of them in another way
WEAK = (
    "00" * 32,
    "00" * 31 + "80",
    "01" + "00" * 31,
    "01" + "00" * 30 + "80",
    "ec" + "ff" * 30 + "7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
)


@pytest.mark.parametrize("text", [*WEAK, "02" + "00" * 31, "ff" * 32])
def test_keys_that_anybody_can_sign_for_or_nobody_can_have_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no Ed25519 public key"):
        key_bytes(text)


def test_a_key_of_zeros_would_have_been_an_open_door() -> None:
    """Why they are refused: for a key of small order a signature needs no private key."""
    weak = "01" + "00" * 31  # the neutral element: R = S B holds for every message
    authority = Authority(_unchecked({5: weak}))
    forged = signed()[:-64] + bytes.fromhex("01" + "00" * 31) + bytes(32)
    assert judge(authority, forged, NOW_MS) == ""


def _unchecked(keys: dict[int, str]) -> dict:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return {number: Ed25519PublicKey.from_public_bytes(bytes.fromhex(text)) for number, text in keys.items()}


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "unit.toml"
    path.write_text("[emergency.keys]\n" + "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (('12z = "00"',), "emergency.keys.12z: '12z' is no key id; give a number"),
        (('5 = "abcd"',), "emergency.keys.5: 4 characters; give the raw Ed25519 public key as 64 hex digits"),
        ((f'5 = "{"g" * 64}"',), "emergency.keys.5: not all hex digits"),
        ((f'0x7 = "{"0" * 64}"',), "emergency.keys.0x7: no Ed25519 public key"),
        ((f'5 = "{public_hex(1)}"', f'0x5 = "{public_hex(2)}"'), "emergency.keys: 5 and 0x5 are one id"),
        (("5 = 5",), "emergency.keys.5: input should be a valid string"),
    ],
)
def test_wrong_keys_are_refused_by_name(tmp_path: Path, capfd, lines: tuple[str, ...], said: str) -> None:
    path = written(tmp_path, *lines)
    with pytest.raises(UsageError) as error:
        load_config(path)
    assert str(error.value).startswith(f"{path}: {said}")
    assert "\n" not in str(error.value)
    assert run(["config", "check", str(path)]) != 0
    assert said in capfd.readouterr().err


def test_good_keys_are_told_by_config_check(tmp_path: Path, capfd) -> None:
    path = written(tmp_path, f'0x11 = "{public_hex(1)}"', f'2 = "{public_hex(2)}"')
    assert run(["config", "check", str(path)]) == 0
    assert "2 authority keys: 2, 17" in capfd.readouterr().out
    path.write_text("")
    assert run(["config", "check", str(path)]) == 0
    assert "no authority keys" in capfd.readouterr().out


def test_a_unit_without_keys_loads_no_cryptography() -> None:
    code = (
        "import sys, contextlib, pathlib\n"
        "from asvunit.config import Config\n"
        "from asvunit.assembly import assemble, authority\n"
        "from asvunit.authority import log_judge\n"
        "import asvunit.live, asvunit.runtime, asvunit.unit, asvunit.replay\n"
        "assert authority(Config()) is None and log_judge({}) is None\n"
        "assert 'cryptography' not in sys.modules\n"
        f"assert authority(Config.model_validate({{'emergency': {{'keys': {{'5': '{public_hex(1)}'}}}}}}))\n"
        "assert 'cryptography' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# The trusted clock

MIDNIGHT_MS = NOW_MS - NOW_MS % DAY_MS


class Clocks:
    """A receiver whose time is right, and a system clock that is off."""

    def __init__(self, utc_ms: int, system_off_ms: int = 0) -> None:
        self.utc_ms = utc_ms  # at 0 ns
        self.gnss = GnssTime(lambda time_ns: utc_ms + time_ns // MS + system_off_ms)

    def fix(self, at_ms: int, valid: bool = True) -> None:
        self.gnss.fix(Fix(at_ms * MS, valid, "" if valid else "void", (self.utc_ms + at_ms) % DAY_MS))

    def error_ms(self, at_ms: int) -> int | None:
        now_ms = self.gnss.now_ms(at_ms * MS)
        return None if now_ms is None else now_ms - self.utc_ms - at_ms


@pytest.mark.parametrize("tod_ms", [0, 1, 500, DAY_MS // 2, DAY_MS - 500, DAY_MS - 1])
@pytest.mark.parametrize("off_ms", [0, 700, -700, 3_600_000, -3_600_000, DAY_MS // 2 - 1, -DAY_MS // 2 + 1])
def test_time_of_day_mends_the_system_clock_on_either_side_of_midnight(tod_ms: int, off_ms: int) -> None:
    clocks = Clocks(MIDNIGHT_MS + tod_ms, off_ms)
    clocks.fix(0)
    assert [clocks.error_ms(at_ms) for at_ms in (0, 1, 800, 1500)] == [0, 0, 0, 0]
    assert clocks.error_ms(-3) == 0  # a frame stamped just before it


@pytest.mark.parametrize("off_ms", [DAY_MS, -DAY_MS, 20_000 * DAY_MS // 10, DAY_MS // 2 + 1000])
def test_a_wrong_day_is_whole_days_off_so_that_nothing_is_accepted(off_ms: int) -> None:
    clocks = Clocks(MIDNIGHT_MS + 1234, off_ms)
    clocks.fix(0)
    error_ms = clocks.error_ms(0)
    assert error_ms is not None
    assert error_ms != 0
    assert error_ms % DAY_MS == 0
    assert judge(Authority({5: KEY.public_key()}), signed(clocks.utc_ms), clocks.gnss.now_ms(0)) == "stale"


def test_without_a_valid_fix_there_is_no_time() -> None:
    clocks = Clocks(NOW_MS)
    assert clocks.error_ms(0) is None
    clocks.fix(0, valid=False)
    clocks.gnss.fix(Fix(0, True, "", None))
    assert clocks.error_ms(0) is None
    clocks.fix(100)
    assert clocks.error_ms(1600) == 0
    assert clocks.error_ms(1601) is None
    clocks.fix(1700, valid=False)  # a void epoch brings no time back
    assert clocks.error_ms(1700) is None


def test_a_slow_receiver_is_waited_for_three_periods_and_a_gap_is_none() -> None:
    clocks = Clocks(NOW_MS)
    for at_ms in (0, 1000):
        clocks.fix(at_ms)
    assert clocks.error_ms(4000) == 0
    assert clocks.error_ms(4001) is None
    clocks.fix(9000)
    assert clocks.error_ms(12_000) == 0
    assert clocks.error_ms(12_001) is None


def test_a_log_is_its_own_clock_if_it_has_a_date() -> None:
    assert log_time_ms(NOW_MS * MS + 999_999) == NOW_MS
    assert log_time_ms(5 * 10**9) is None
    judge = log_judge({"5": public_hex(1)})
    assert judge is not None
    assert judge(RadioFrame(5 * 10**9, "x", signed(5000))) == "no_clock"
    assert judge(RadioFrame(NOW_MS * MS, "x", signed())) == ACCEPTED
    assert judge(RadioFrame(NOW_MS * MS, "x", signed())) == "replayed"


def test_the_keys_that_the_documents_make_are_keys(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "emergency.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```toml\n(0x00002a01 = .*?)```", page, re.DOTALL)
    assert list(load_keys(tomllib.loads(shown))) == [0x2A01]
    (line,) = re.findall(r"^ {4}(\(echo .*openssl genpkey.*)$", page, re.MULTILINE)
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    subprocess.run(["sh", "-ec", line], cwd=tmp_path, check=True, capture_output=True)
    own = load_own_key(tmp_path / "ambulance.key")
    authority = Authority(load_keys(tomllib.loads(own.public_line())))
    assert judge(authority, sign(PAYLOAD, own.key_id, own.private, NOW_MS), NOW_MS) == ""
