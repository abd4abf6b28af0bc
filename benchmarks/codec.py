"""The message codec beside its peers, all on the same 800 bits, every one first checked for the same result.

Peers handle elements 1..43 and pad the 501 bits after them, as the portable codec does.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import asn1tools
import bitstruct
import bitstruct.c
import cantools.database
import construct
import numpy as np
from cantools.database.can.signal import Signal
from common import Row, interleaved

from asvcore.codec import decode_into, encode_into
from asvcore.elements import CODED, ELEMENTS, MESSAGE_BYTES
from asvunit.message.batch import decode_batch, encode_batch

NAME = "Message codec"
BATCH = 10_000
_TAIL_BITS = 8 * MESSAGE_BYTES - sum(row[3] for row in ELEMENTS[:CODED])
_NAMES = [row[2] for row in ELEMENTS[:CODED]]
# A car at 50 km/h in the southern and western hemispheres, so that signs count.
_CODES = (
    1, 7, 4660, 2, 4, 3, 3, -35, 40, 5220, -139, 46, 156, 3, 8236, 5, 1, 1, 3, 50, 90, 34, 1, 4, 5, 4, 20, 0, 12, 34,
    56, 3, -35, 41, 1, -139, 47, 2, 1, 120, 1, 0, 0,
)  # fmt: skip


@dataclass(frozen=True)
class Peer:
    """One library: `encode` and `decode` take no arguments, so that only the library is timed."""

    name: str
    encode: Callable[[], Any]
    decode: Callable[[], Any]
    read: Callable[[Any], list[int]]  # its decoded form as codes
    loops: int  # calls a round


def _ours(data: bytes) -> Peer:
    buffer, codes, given = bytearray(MESSAGE_BYTES), [0] * CODED, list(_CODES)

    def encode() -> bytearray:
        encode_into(given, buffer)
        return buffer

    def decode() -> list[int]:
        decode_into(data, codes)
        return codes

    return Peer("asvcore", encode, decode, list, 50)


def _bitstruct(module: Any, name: str, data: bytes, loops: int) -> Peer:
    layout = module.compile("".join(f"{'s' if row[5] else 'u'}{row[3]}" for row in ELEMENTS[:CODED]) + f"p{_TAIL_BITS}")
    return Peer(name, lambda: layout.pack(*_CODES), lambda: layout.unpack(data), list, loops)


def _cantools(data: bytes) -> Peer:
    signals, bit = [], 0
    for _number, _unit, name, width, _mandatory, signed, _coding in ELEMENTS[:CODED]:
        start = 8 * (bit // 8) + 7 - bit % 8  # DBC counts the bits of a byte from the least significant
        signals.append(Signal(name, start, width, byte_order="big_endian", is_signed=signed))
        bit += width
    message = cantools.database.can.Message(1, "ASV", MESSAGE_BYTES, signals)
    database = cantools.database.can.Database([message])
    given = dict(zip(_NAMES, _CODES, strict=True))
    return Peer(
        "cantools",
        lambda: database.encode_message("ASV", given),
        lambda: database.decode_message("ASV", data, decode_choices=False),
        lambda found: [int(found[name]) for name in _NAMES],
        10,
    )


def _construct(data: bytes) -> Peer:
    layout = construct.BitStruct(
        *(
            name / construct.BitsInteger(width, signed=signed)
            for _n, _u, name, width, _m, signed, _c in ELEMENTS[:CODED]
        ),
        construct.Padding(_TAIL_BITS),
    )
    given = dict(zip(_NAMES, _CODES, strict=True))
    return Peer(
        "construct",
        lambda: layout.build(given),
        lambda: layout.parse(data),
        lambda found: [found[name] for name in _NAMES],
        5,
    )


def _asn1tools(data: bytes) -> Peer:
    # PER writes a signed range from its lower bound: unsigned ranges keep the bits of the degrees.
    members = [f"e{row[0]} INTEGER (0..{(1 << row[3]) - 1})" for row in ELEMENTS[:CODED]]
    body = ", ".join([*members, f"tail BIT STRING (SIZE ({_TAIL_BITS}))"])
    text = f"A DEFINITIONS AUTOMATIC TAGS ::= BEGIN M ::= SEQUENCE {{ {body} }} END"
    layout = asn1tools.compile_string(text, "uper")
    given: dict[str, Any] = {
        f"e{row[0]}": code % (1 << row[3]) for row, code in zip(ELEMENTS[:CODED], _CODES, strict=True)
    }
    given["tail"] = (bytes((_TAIL_BITS + 7) // 8), _TAIL_BITS)

    def read(found: dict[str, Any]) -> list[int]:
        codes = [(found[f"e{row[0]}"], row) for row in ELEMENTS[:CODED]]
        return [code - (1 << row[3]) if row[5] and code >> row[3] - 1 else code for code, row in codes]

    return Peer("asn1tools UPER", lambda: layout.encode("M", given), lambda: layout.decode("M", data), read, 10)


@functools.cache
def peers() -> tuple[Peer, ...]:
    """Ours first. Raises if one does not write the same bytes or read the same codes."""
    buffer = bytearray(MESSAGE_BYTES)
    encode_into(list(_CODES), buffer)
    data = bytes(buffer)
    found = (
        _ours(data),
        _bitstruct(bitstruct.c, "bitstruct.c", data, 50),
        _bitstruct(bitstruct, "bitstruct", data, 10),
        _cantools(data),
        _construct(data),
        _asn1tools(data),
    )
    for peer in found:
        if bytes(peer.encode()) != data:
            raise RuntimeError(f"{peer.name} writes other bytes")
        if peer.read(peer.decode()) != list(_CODES):
            raise RuntimeError(f"{peer.name} reads other codes")
    return found


def _direction(name: str, slower: float, faster: float) -> list[Row]:
    """Times of one direction; goals: at most `slower` x bitstruct.c, at least `faster` x as fast as cantools."""
    subjects = {peer.name: getattr(peer, name) for peer in peers()}
    best = interleaved(subjects, loops_of={peer.name: peer.loops for peer in peers()})
    ours = best["asvcore"]
    rows = []
    for peer in peers():
        by = "" if peer.name == "asvcore" else f"{best[peer.name] / ours:.2g} x asvcore's time"
        library = peer.name.split(".")[0].split(" ")[0]
        note = "portable, straight-line Python" if peer.name == "asvcore" else f"{version(library)}; {by}"
        rows.append(Row(f"{name}: {peer.name}", best[peer.name] * 1e6, "us", note=note))
    rows.append(Row(f"{name}: asvcore / bitstruct.c", ours / best["bitstruct.c"], "x", slower, "C extension"))
    rows.append(Row(f"{name}: cantools / asvcore", best["cantools"] / ours, "x", faster, "", "high"))
    return rows


def _batch() -> list[Row]:
    chance = np.random.default_rng(1)
    frames = chance.integers(0, 256, (BATCH, MESSAGE_BYTES), dtype=np.uint8)
    columns = decode_batch(frames)
    whole = sum(row[3] for row in ELEMENTS[:CODED]) // 8
    if not np.array_equal(encode_batch(columns)[:, :whole], frames[:, :whole]):
        raise RuntimeError("the batch codec does not return its frames")
    best = interleaved({"decode": lambda: decode_batch(frames), "encode": lambda: encode_batch(columns)}, loops=1)
    note = f"{BATCH:,} frames at once, elements 1..43"
    return [
        Row("decode: numpy batch", BATCH / best["decode"] / 1e6, "million frames/s", 10, note, "high"),
        Row("encode: numpy batch", BATCH / best["encode"] / 1e6, "million frames/s", None, note, "high"),
    ]


def rows() -> list[Row]:
    """All measurements of this module."""
    return [*_direction("encode", 4, 10), *_direction("decode", 6, 2), *_batch()]
