"""Raw integers out of CAN frames, for looking at logs: one signal of one message, without decoding the others."""

from collections.abc import Mapping
from typing import Any


def code_runs(words: Mapping[int, str], longest: int) -> list[tuple[int, int, str]]:
    """(first code, last, word): codes one by one, but for more than `longest` in a row that have one word."""
    runs: list[tuple[int, int, str]] = []
    for code, word in sorted(words.items()):
        if runs and runs[-1][2] == word and runs[-1][1] == code - 1:
            runs[-1] = (runs[-1][0], code, word)
        else:
            runs.append((code, code, word))
    return [
        part
        for first, last, word in runs
        for part in (
            [(first, last, word)] if last - first >= longest else [(one, one, word) for one in range(first, last + 1)]
        )
    ]


class RawSignal:
    """Reads one signal of a database's message out of a frame's bytes."""

    def __init__(self, message: Any, signal: Any) -> None:
        self.message = message
        self.signal = signal
        self._mask: int = (1 << signal.length) - 1
        self._sign: int = 1 << (signal.length - 1) if signal.is_signed else 0
        self._little = signal.byte_order == "little_endian"
        if self._little:
            self._low: int = signal.start
            self._need: int = signal.start + signal.length
        else:
            self._low = signal.start // 8 * 8 + 7 - signal.start % 8  # bits before it, from the frame's begin
            self._need = self._low + signal.length
        self._codes = frozenset(signal.multiplexer_ids or ())
        self._multiplexer: RawSignal | None = None
        if self._codes and signal.multiplexer_signal:
            self._multiplexer = RawSignal(message, message.get_signal_by_name(signal.multiplexer_signal))

    @property
    def reference(self) -> str:
        return f"{self.message.name}.{self.signal.name}"

    def read(self, data: bytes) -> int | None:
        """None: the frame is too short, or of another multiplexer code."""
        bits = 8 * len(data)
        if self._need > bits:
            return None
        if self._multiplexer is not None and self._multiplexer.read(data) not in self._codes:
            return None
        if self._little:
            raw = int.from_bytes(data, "little") >> self._low & self._mask
        else:
            raw = int.from_bytes(data, "big") >> (bits - self._need) & self._mask
        return raw - 2 * self._sign if raw & self._sign else raw
