"""`asvkit decode` and `asvkit encode`: messages as hex lines or captures <-> JSON lines or a table.

A bad line is reported on stderr with its number and the others go on; the exit code is then 1.
"""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from asvcore.elements import MESSAGE_BYTES
from asvunit.errors import UsageError
from asvunit.ports import TRAILER_BYTES, TRAILER_MARK

_SHOWN = 40  # characters of bad input repeated in a report
_INTERSECTION = ("latitude_deg", "longitude_deg", "distance_m", "source")
# Left out of a capture without being wrong
_ELSEWHERE = ("outbound", "inbound", "other_traffic", "encrypted", "aggregate")

Line = tuple[str, str]  # ("line 3" or "argument 3", its text)


def decode(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="HEX... | - | CAPTURE", help="Messages in hex, - for hex lines on stdin, or a capture."),
    ],
    as_csv: Annotated[bool, typer.Option("--csv", help="A capture as a table, one row a frame.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="A capture as JSON lines (the default).")] = False,
    sent: Annotated[
        bool, typer.Option("--sent", help="Of a capture the frames sent, in place of those heard.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="UDP port of a capture.")] = 47100,
) -> None:
    """Show messages (100 bytes, or 178 with an emergency vehicle's trailer) as raw codes and values.

    One JSON object a message: {"raw": {...}, "value": {...}}; unknown values are null.
    """
    if as_csv and as_jsonl:
        raise UsageError("decode: --csv and --jsonl exclude each other")
    captures = [text for text in inputs if _is_capture(text)]
    if captures and len(captures) != len(inputs):
        raise UsageError("decode: captures and hex cannot be mixed")
    if not captures and (as_csv or as_jsonl):
        raise UsageError(f"decode: --{'csv' if as_csv else 'jsonl'} needs a capture")
    if not (
        _decode_captures([Path(text) for text in captures], as_csv, port, sent)
        if captures
        else _each(_lines(inputs), _decoded)
    ):
        raise typer.Exit(1)


def encode(
    message: Annotated[
        str | None, typer.Argument(metavar="[JSON | -]", help="One JSON object; absent or -: JSON lines on stdin.")
    ] = None,
) -> None:
    """Write messages as hex, from JSON objects with "raw" codes or a "value" object as decode shows them.

    What is missing of raw is 0 (administration_data: 1); of value: unknown.
    """
    if message is None and sys.stdin.isatty():
        raise UsageError("encode: no JSON object given (as an argument, or lines on stdin)")
    lines = _lines(["-"]) if message in (None, "-") else iter([("argument 1", message or "")])
    if not _each(lines, _encoded):
        raise typer.Exit(1)


def _lines(inputs: list[str]) -> Iterator[Line]:
    for number, text in enumerate(inputs, 1):
        if text != "-":
            yield f"argument {number}", text
            continue
        # Bytes that are no text must reach the report of their own line, not end the run.
        for line_number, line in enumerate(sys.stdin.buffer, 1):
            stripped = line.decode("utf-8", "replace").lstrip("\ufeff").strip()
            if stripped and not stripped.startswith("#"):
                yield f"line {line_number}", stripped


def _each(lines: Iterable[Line], convert: Callable[[str], str]) -> bool:
    """Print what each line converts to; False if any was bad."""
    good = True
    for place, text in lines:
        try:
            result = convert(text)
        except ValueError as error:
            good = _complain(place, error)
        else:
            _write(result)
    return good


def _complain(place: str, error: ValueError) -> bool:
    sys.stdout.flush()  # keep the two streams in order where they meet
    typer.echo(f"{place}: {' '.join(str(error).split())}", err=True)
    return False


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")  # typer.echo would flush every line


def _decoded(text: str) -> str:
    digits = "".join(text.split())
    if digits[:2] in ("0x", "0X"):
        digits = digits[2:]
    try:
        if not digits.isascii():
            raise ValueError
        data = bytes.fromhex(digits)
    except ValueError:
        odd = ", an odd number of digits" if len(digits) % 2 else ""
        raise ValueError(f"not hex{odd}: {text[:_SHOWN]!a}") from None
    return json.dumps(_shown(data))


def _shown(data: bytes) -> dict[str, Any]:
    """{"raw", "value"} and, for 178 bytes, "trailer". Malformed: any other length, mark or version."""
    from asvunit.message import Malformed, values
    from asvunit.message import decode as decode_message

    if len(data) not in (MESSAGE_BYTES, MESSAGE_BYTES + TRAILER_BYTES):
        raise Malformed(f"{len(data)} bytes, neither {MESSAGE_BYTES} nor {MESSAGE_BYTES + TRAILER_BYTES}")
    raw = decode_message(data[:MESSAGE_BYTES])
    shown: dict[str, Any] = {"raw": raw, "value": values(raw)}
    if trailer := data[MESSAGE_BYTES:]:
        if not trailer.startswith(TRAILER_MARK):
            raise Malformed(f"the trailer begins with {trailer[:2].hex()}, not {TRAILER_MARK.hex()}")
        shown["trailer"] = {
            "key_id": int.from_bytes(trailer[2:6], "big"),
            "time_ms": int.from_bytes(trailer[6:14], "big"),
            "signature": trailer[14:].hex(),
            "verified": None,
        }
    return shown


def _encoded(text: str) -> str:
    from asvunit.message import encode as encode_message
    from asvunit.message import raw_from_values

    try:
        given = json.loads(text)
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    part = given.get("raw", given.get("value")) if isinstance(given, dict) else None
    if not isinstance(part, dict):
        raise ValueError('not an object with a "raw" (or "value") object')
    return encode_message(part if "raw" in given else raw_from_values(part)).hex()


def _is_capture(text: str) -> bool:
    if text.endswith((".pcap", ".pcapng")):
        return True
    try:
        return text != "-" and os.path.isfile(text)
    except ValueError:  # a NUL in it
        return False


def _decode_captures(paths: list[Path], as_csv: bool, port: int, sent: bool) -> bool:
    from asvunit.adapters.capture import Capture

    good = True
    table = _Table(sys.stdout) if as_csv else None
    for path in paths:
        capture = Capture(path, port, outbound=sent)
        for number, frame in enumerate(capture, 1):
            place = f"{path}: packet {number + capture.counters.total()}"
            try:
                shown = _shown(frame.payload)
            except ValueError as error:
                good = _complain(place, error)
                continue
            row = {"t": frame.time_ns / 1e9, "source": frame.source}
            if frame.power_dbm is not None:
                row["power_dbm"] = frame.power_dbm
            row |= shown
            if table:
                table.write(row)
            else:
                _write(json.dumps(row))
        for reason, count in sorted(capture.counters.items()):
            good = good and reason in _ELSEWHERE
            typer.echo(f"{path}: {count} x {reason}", err=True)
    return good


class _Table:
    """CSV, one row a frame: t, source, the values (intersection in four columns), codes as raw_NAME, power_dbm."""

    def __init__(self, out: IO[str]) -> None:
        from asvunit.message.raw import NAMES
        from asvunit.message.values import VALUE_KEYS

        flat = [
            column
            for key in VALUE_KEYS
            for column in ([f"{key}_{part}" for part in _INTERSECTION] if key == "intersection" else [key])
        ]
        self._writer = csv.DictWriter(out, ["t", "source", *flat, *(f"raw_{name}" for name in NAMES), "power_dbm"])
        self._writer.writeheader()

    def write(self, row: dict[str, Any]) -> None:
        value = dict(row["value"])
        crossing = value.pop("intersection") or {}
        value |= {f"intersection_{part}": crossing.get(part) for part in _INTERSECTION}
        cells = {"t": row["t"], "source": row["source"], **{key: _cell(item) for key, item in value.items()}}
        cells |= {f"raw_{name}": code for name, code in row["raw"].items()}
        self._writer.writerow(cells | {"power_dbm": row.get("power_dbm")})


def _cell(item: Any) -> Any:
    """Unknown is an empty cell, truth is written as in JSON."""
    return str(item).lower() if isinstance(item, bool) else item
