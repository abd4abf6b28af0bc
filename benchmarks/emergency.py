"""What forged and replayed emergency frames cost the unit, and what a flood of them leaves of a genuine vehicle."""

import random
import struct
import time
from collections.abc import Callable

from common import Row
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asvunit.authority import Authority
from asvunit.ports import RadioFrame
from asvunit.trailer import sign
from asvunit.verifier import Verifier

NAME = "Forged and replayed emergency frames"
_NOW_MS = 1_790_000_000_000
_MS = 1_000_000
_KEY_ID = 5
_HOME = "192.0.2.1:40000"
_FRAMES = 20_000
_ROUNDS = 7
_FLOOD_A_SECOND = 5000
_FLOOD_S = 10


def _forged(number: int, at_ns: int, source: str, key_id: int = _KEY_ID, off_ms: int = 0) -> RadioFrame:
    stamp = struct.pack(">IQ", key_id, _NOW_MS + at_ns // _MS + off_ms)
    return RadioFrame(_NOW_MS * _MS + at_ns, source, bytes(100) + b"PV" + stamp + b"%064d" % number)


def _refusal_us(make: Callable[[int], RadioFrame]) -> float:
    """The least mean time of a refusal over some rounds of frames 20 us apart, each with a verifier of its own."""
    key = Ed25519PrivateKey.generate()
    best_s = float("inf")
    for _ in range(_ROUNDS):
        verifier = Verifier(Authority({_KEY_ID: key.public_key()}, seed=1), lambda frame: None)
        genuine = RadioFrame(_NOW_MS * _MS - _MS, _HOME, sign(bytes(100), _KEY_ID, key, _NOW_MS - 1))
        verifier.submit(genuine, _NOW_MS)
        verifier.verify_next()
        frames = [make(number) for number in range(_FRAMES)]
        submit = verifier.submit
        begin = time.perf_counter()
        for frame in frames:
            submit(frame, frame.time_ns // _MS)
        best_s = min(best_s, time.perf_counter() - begin)
    return best_s / _FRAMES * 1e6


def _share(source: str) -> tuple[float, float]:
    """Share of a genuine vehicle's frames that are verified in a flood in its name, in %; verifications a second."""
    key = Ed25519PrivateKey.generate()
    authority = Authority({_KEY_ID: key.public_key()}, seed=1)
    chance = random.Random(1)
    begin_ns, end_ns = 150 * _MS, _FLOOD_S * 1000 * _MS
    flood = [
        _forged(n, chance.randrange(begin_ns, end_ns), source.format(n)) for n in range(_FLOOD_A_SECOND * _FLOOD_S)
    ]
    vehicle = [
        RadioFrame(_NOW_MS * _MS + at_ns, _HOME, sign(bytes(100), _KEY_ID, key, _NOW_MS + at_ns // _MS))
        for at_ns in range(0, end_ns, 100 * _MS)
    ]
    accepted = verified = 0
    for frame in sorted(flood + vehicle, key=lambda one: one.time_ns):
        verdict = authority.judge(frame, frame.time_ns // _MS)
        accepted += not verdict
        verified += verdict in ("", "bad_signature")
    return 100 * accepted / len(vehicle), verified / _FLOOD_S


def rows() -> list[Row]:
    """The figures of today."""
    known = {
        "unknown key": lambda n: _forged(n, n * 20_000, _HOME, key_id=9),
        "stale": lambda n: _forged(n, n * 20_000, _HOME, off_ms=-5000),
        "replayed": lambda n: _forged(n, n * 20_000, _HOME, off_ms=-1000),
    }
    out = [Row(f"Refused: {name}", _refusal_us(make), "us", 3) for name, make in known.items()]
    crowds = {
        "another source each": lambda n: _forged(n, n * 20_000, f"192.0.2.{n % 256}:{n % 60_000}"),
        "the vehicle's own source": lambda n: _forged(n, n * 20_000, _HOME),
    }
    note = "timely, of a known key: only the signature betrays them"
    out += [Row(f"Crowded out: {name}", _refusal_us(make), "us", 8, note=note) for name, make in crowds.items()]
    for name, source, goal in (
        ("other sources", "10.0.0.0:{}", 100),
        ("its own source, copied", _HOME, 10),
    ):
        share, verified = _share(source)
        note = (
            f"{_FLOOD_A_SECOND} forged frames/s with its key id and right times; {verified:.0f} signatures/s verified"
        )
        out.append(Row(f"Genuine frames verified: {name}", share, "%", goal, best="high", note=note))
    return out
