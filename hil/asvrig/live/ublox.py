"""A u-blox receiver on a pty: NMEA goes out, UBX is answered, and its baud rate matters.

Two generations: "keyed" (protocol 27 and later: UBX-CFG-VALSET and -VALGET) and "legacy" (a message for each
setting). The bytes are made from u-blox's interface descriptions, without the library that the host uses.
It is as deaf and as noisy as a real line while the host's baud rate is another. No real receiver is behind it:
what it does in doubtful cases (a refused rate, an acknowledge at a changed baud rate) is a guess, and settable.
"""

import select
import struct
import termios
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from asvrig.gnss_feed import sentence
from asvrig.live.device import PtyDevice

_SYNC: Final = b"\xb5\x62"
_LONGEST: Final = 1024
_BAUDS: Final = {
    getattr(termios, name): int(name[1:]) for name in dir(termios) if name[0] == "B" and name[1:].isdigit()
}

_CFG, _MON, _ACK = 0x06, 0x0A, 0x05
_PRT, _MSG, _RATE, _SAVE, _NAV5, _VALSET, _VALGET = 0x00, 0x01, 0x08, 0x09, 0x24, 0x8A, 0x8B
_VER: Final = 0x04
PORTS: Final = {"I2C": 0, "UART1": 1, "UART2": 2, "USB": 3, "SPI": 4}  # as legacy messages number them
_NMEA: Final = {"GGA": 0x00, "GLL": 0x01, "GSA": 0x02, "GSV": 0x03, "RMC": 0x04, "VTG": 0x05, "GST": 0x07}
# Keys of the first port (I2C); the next ports' follow in the order of PORTS but for the last
_OUT_KEYS: Final = {
    "GGA": 0x209100BA, "GLL": 0x209100C9, "GSA": 0x209100BF, "GSV": 0x209100C4,
    "RMC": 0x209100AB, "VTG": 0x209100B0, "GST": 0x209100D3,
}  # fmt: skip
_RATE_KEY, _NAV_KEY, _MODEL_KEY = 0x30210001, 0x30210002, 0x20110021
_BAUD_KEYS: Final = {"UART1": 0x40520001, "UART2": 0x40530001}
_NMEA_KEYS: Final = {"UART1": 0x10740002, "UART2": 0x10760002, "USB": 0x10780002}
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8}  # bytes of a value by the top digit of its key

Answer = Literal["ack", "nak", "silent", "ignored"]  # "ignored": acknowledged, and not done


@dataclass(slots=True)
class Faults:
    """What goes wrong with a setting, by its name: rate, model, baud, nmea, save, version, or a sentence."""

    answers: dict[str, Answer] = field(default_factory=dict)
    max_hz: int = 25  # faster: refused
    noise: bytes = b""  # before each answer
    mute_nmea: bool = False
    baud_ack: bool = True  # a new baud rate is acknowledged, at the old one
    flash: bool = True  # keyed: it has any


class UbloxPty(PtyDevice):
    """The receiver. `service()` answers the host, `tick()` sends the next epoch; `serve` does both."""

    def __init__(
        self,
        link: Path | None = None,
        *,
        generation: Literal["keyed", "legacy"] = "keyed",
        interface: Literal["UART1", "UART2", "USB"] = "UART1",
        baud: int = 38_400,
    ) -> None:
        self.generation, self.interface, self.baud = generation, interface, baud
        self.faults = Faults()
        self.measure_ms, self.navigate, self.model = 1000, 1, 0
        self.nmea = True
        self.rates = dict.fromkeys(_NMEA, 1) | {"GST": 0}  # as they leave the factory
        self.saved: dict[str, dict[int, int]] = {"bbr": {}, "flash": {}}
        self.asked: Counter[tuple[int, int]] = Counter()  # class and number of each message taken
        self._tod_ms = 43_200_000
        self._buffer = b""
        super().__init__(link)

    def serve(self, stop: threading.Event, pace_s: float) -> None:
        """Until `stop`: epochs, each `pace_s` after the one before whatever its own time, and answers between."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        while not stop.is_set():
            if poll.poll(pace_s * 1000):
                self.service()
            else:
                self.tick()

    def tick(self) -> None:
        """The next epoch's sentences."""
        with self._lock:
            self._tod_ms += self.measure_ms * self.navigate
            if self.nmea and not self.faults.mute_nmea:
                self._say([sentence(text) for kind, text in self._sentences() if self.rates[kind]])

    def _sentences(self) -> Iterator[tuple[str, str]]:
        second, ms = divmod(self._tod_ms % 86_400_000, 1000)
        time = f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}.{ms // 10:02d}"
        place = "3540.87416,N,13946.02750,E"
        yield "RMC", f"GNRMC,{time},A,{place},0.010,,211126,,,A,V"
        yield "VTG", "GNVTG,,T,,M,0.010,N,0.019,K,A"
        yield "GGA", f"GNGGA,{time},{place},1,12,0.70,39.5,M,36.7,M,,"
        yield "GSA", "GNGSA,A,3,01,02,03,04,05,06,,,,,,,1.2,0.7,1.0,1"
        yield "GSV", "GPGSV,1,1,02,01,40,083,41,02,17,308,43,1"
        yield "GLL", f"GNGLL,{place},{time},A,A"
        yield "GST", f"GNGST,{time},1.5,1.2,1.0,0,0.9,0.8,1.9"

    # The line

    def _in_tune(self) -> bool:
        """Whether the host's baud rate is the receiver's; USB has none, and what is unplugged no host."""
        return self.interface == "USB" or self._slave < 0 or _BAUDS.get(termios.tcgetattr(self._slave)[5]) == self.baud

    def _say(self, pieces: list[bytes]) -> None:
        if not self._in_tune():
            pieces = [bytes(byte & 0x55 | 0x82 for byte in piece) for piece in pieces]
        self._put(pieces)

    def _reset(self) -> None:
        self._buffer = b""

    def _heard(self, data: bytes) -> None:
        if not self._in_tune():
            self._buffer = b""
            return
        self._buffer += data
        while (start := self._buffer.find(_SYNC)) >= 0:
            self._buffer = self._buffer[start:]
            size = int.from_bytes(self._buffer[4:6], "little") + 8
            if len(self._buffer) < 6 or (size <= _LONGEST and len(self._buffer) < size):
                return
            message = self._buffer[:size]
            if size > _LONGEST or message != _framed(message[2], message[3], message[6:-2]):
                self._buffer = self._buffer[2:]
                continue
            self._buffer = self._buffer[size:]
            self._take(message[2], message[3], message[6:-2])

    def _answer(self, group: int, number: int, payload: bytes) -> None:
        self._say([*([self.faults.noise] if self.faults.noise else []), _framed(group, number, payload)])

    # Messages

    def _take(self, group: int, number: int, payload: bytes) -> None:
        self.asked[group, number] += 1
        if (group, number) == (_MON, _VER) and not payload:
            if self.faults.answers.get("version") != "silent":
                self._answer(group, number, self._version())
            return
        keyed, legacy = {_VALSET: self._valset, _VALGET: self._valget}, {
            _PRT: self._prt, _MSG: self._msg, _RATE: self._rate, _NAV5: self._nav5, _SAVE: self._save,
        }  # fmt: skip
        take = (keyed if self.generation == "keyed" else legacy).get(number) if group == _CFG else None
        self._finish(number, "nak" if take is None else take(payload), group)

    def _finish(self, number: int, answer: Answer, group: int = _CFG) -> None:
        if answer != "silent":
            self._answer(_ACK, 0 if answer == "nak" else 1, bytes((group, number)))

    def _version(self) -> bytes:
        keyed = ("EXT CORE 1.00 (61b2dd)", "00190000", "FWVER=HPG 1.13", "PROTVER=27.12", "MOD=ZED-F9P")
        legacy = ("ROM CORE 3.01 (107888)", "00080000", "FWVER=SPG 3.01", "PROTVER=18.00", "GPS;GLO;GAL;BDS")
        told = keyed if self.generation == "keyed" else legacy
        return b"".join(
            text.encode().ljust(size, b"\0") for text, size in zip(told, (30, 10, *[30] * len(told)), strict=False)
        )

    def _decide(self, name: str, do: Callable[[], None]) -> Answer:
        """Does a setting, or not, as the faults say."""
        answer = self.faults.answers.get(name, "ack")
        if answer == "ack":
            do()
        return answer

    def _set(self, name: str, value: int) -> None:
        if name in self.rates:
            self.rates[name] = value
        else:
            setattr(self, {"rate": "measure_ms"}.get(name, name), value)

    def _settle(self, name: str, value: int) -> Answer:
        if name == "rate" and value * self.faults.max_hz < 1000:
            return "nak"
        return self._decide(name, lambda: self._set(name, value))

    def _new_baud(self, number: int, baud: int) -> Answer:
        """The acknowledge goes out at the old rate, then the new one is in force."""
        answer = self.faults.answers.get("baud", "ack")
        if answer == "ack":
            if self.faults.baud_ack:
                self._finish(number, "ack")
            self.baud = baud
            return "silent"
        return answer

    # Keyed

    def _keys(self) -> dict[int, str]:
        number = PORTS[self.interface]
        keys = {key + number: kind for kind, key in _OUT_KEYS.items()}
        keys |= {_RATE_KEY: "rate", _NAV_KEY: "navigate", _MODEL_KEY: "model", _NMEA_KEYS[self.interface]: "nmea"}
        return keys | ({_BAUD_KEYS[self.interface]: "baud"} if self.interface in _BAUD_KEYS else {})

    def _valset(self, payload: bytes) -> Answer:
        layers, at, pairs = payload[1], 4, []
        while at + 4 < len(payload):
            key = int.from_bytes(payload[at : at + 4], "little")
            size = _SIZES.get(key >> 28 & 7, 1)
            pairs.append((key, int.from_bytes(payload[at + 4 : at + 4 + size], "little")))
            at += 4 + size
        if not pairs or any(key not in self._keys() for key, _value in pairs):
            return "nak"
        if layers & 6:
            if (layers & 4 and not self.faults.flash) or self.faults.answers.get("save") == "nak":
                return "nak"
            for bit, name in ((2, "bbr"), (4, "flash")):
                self.saved[name] |= dict(pairs) if layers & bit else {}
        answer: Answer = "ack"
        for key, value in pairs if layers & 1 else []:
            name = self._keys()[key]
            done = self._new_baud(_VALSET, value) if name == "baud" else self._settle(name, value)
            answer = done if done != "ack" else answer
        return answer

    def _valget(self, payload: bytes) -> Answer:
        key = int.from_bytes(payload[4:8], "little")
        name = self._keys().get(key)
        if name is None:
            return "nak"
        if self.faults.answers.get(name) == "silent":
            return "silent"
        value = self._value(name)
        self._answer(_CFG, _VALGET, b"\1" + payload[1:8] + value.to_bytes(_SIZES[key >> 28 & 7], "little"))
        return "ack"

    def _value(self, name: str) -> int:
        return self.rates[name] if name in self.rates else int(getattr(self, {"rate": "measure_ms"}.get(name, name)))

    # Legacy

    def _rate(self, payload: bytes) -> Answer:
        if not payload:
            if self.faults.answers.get("rate") != "silent":
                self._answer(_CFG, _RATE, struct.pack("<HHH", self.measure_ms, self.navigate, 1))
            return "ack"
        measure_ms, navigate, _reference = struct.unpack("<HHH", payload)
        answer = self._settle("rate", measure_ms * navigate)
        self.navigate = 1 if answer == "ack" else self.navigate
        return answer

    def _msg(self, payload: bytes) -> Answer:
        kind = next((kind for kind, number in _NMEA.items() if payload[:2] == bytes((0xF0, number))), None)
        if kind is None:
            return "nak"
        if len(payload) == 2:
            rates = bytearray(6)
            rates[PORTS[self.interface]] = self.rates[kind]
            if self.faults.answers.get(kind) != "silent":
                self._answer(_CFG, _MSG, payload + bytes(rates))
            return "ack"
        return self._settle(kind, payload[2])

    def _nav5(self, payload: bytes) -> Answer:
        if not payload:
            self._answer(_CFG, _NAV5, struct.pack("<HBB32x", 0xFFFF, self.model, 3))
            return "ack"
        mask, model = struct.unpack_from("<HB", payload)
        return self._settle("model", model) if mask & 1 else "ack"

    def _prt(self, payload: bytes) -> Answer:
        if not payload:
            out = 1 | 2 * self.nmea
            self._answer(_CFG, _PRT, struct.pack("<BxHIIHHHxx", PORTS[self.interface], 0, 0x8D0, self.baud, 7, out, 0))
            return "ack"
        port, _ready, _mode, baud, _in, out, _flags = struct.unpack("<BxHIIHHHxx", payload)
        if port != PORTS[self.interface]:
            return "ack"
        answer = self._settle("nmea", int(bool(out & 2)))
        return answer if baud == self.baud or self.interface == "USB" else self._new_baud(_PRT, baud)

    def _save(self, payload: bytes) -> Answer:
        device = payload[12] if len(payload) > 12 else 0x17

        def keep() -> None:
            for bit, name in ((1, "bbr"), (2, "flash")):
                self.saved[name] |= {0: int.from_bytes(payload[4:8], "little")} if device & bit else {}

        return self._decide("save", keep)


def _framed(group: int, number: int, payload: bytes) -> bytes:
    body = bytes((group, number)) + len(payload).to_bytes(2, "little") + payload
    first = second = 0
    for byte in body:
        first = (first + byte) & 0xFF
        second = (second + first) & 0xFF
    return _SYNC + body + bytes((first, second))
