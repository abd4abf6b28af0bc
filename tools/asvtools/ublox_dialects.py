"""How a u-blox receiver is asked and told its settings: by keys (protocol 27 and later), or a message for each.

Settings have names of their own here: "baud", "nmea" (its output on the interface in use), "rate" (milliseconds
from fix to fix), "model" (of motion), and the sentences by theirs. They are those of one interface, the one in use.
"""

import re
import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from asvtools.ublox_line import UbloxLine, Ubx

SENTENCES: Final = ("RMC", "GGA", "GST", "VTG", "GSA", "GSV", "GLL")
MODELS: Final = {"portable": 0, "stationary": 2, "pedestrian": 3, "automotive": 4, "sea": 5, "airborne": 6}
KEYED_FROM: Final = 27  # version of the protocol: generation 9
INTERFACES: Final = ("uart1", "uart2", "usb")

_RAM, _BBR, _FLASH = 1, 2, 4
_TEXT: Final = re.compile(rb"[^\x20-\x7e].*", re.DOTALL)

_CFG: Final = 0x06
_PRT, _MSG, _RATE, _SAVE, _NAV5 = 0x00, 0x01, 0x08, 0x09, 0x24
_NMEA_CLASS: Final = 0xF0
_NUMBERS: Final = {"GGA": 0x00, "GLL": 0x01, "GSA": 0x02, "GSV": 0x03, "RMC": 0x04, "VTG": 0x05, "GST": 0x07}
_NUMBERED: Final = {1: "uart1", 2: "uart2", 3: "usb"}
_NMEA_OUT: Final = 2  # bit of the protocols that an interface sends
_KEPT: Final = 0b11011  # CFG-CFG: interfaces, messages, navigation, receiver manager
_PLACES: Final = 0b111  # battery-backed memory, flash, EEPROM


class Version:
    """What the receiver says of itself (UBX-MON-VER)."""

    def __init__(self, payload: bytes) -> None:
        cut = [payload[:30], payload[30:40], *(payload[at : at + 30] for at in range(40, len(payload), 30))]
        texts = [_TEXT.sub(b"", piece).decode().strip() for piece in cut]
        told = dict(re.split(r"[ =]", text, maxsplit=1) for text in texts[2:] if re.match(r"[A-Z]+[ =]", text))
        self.firmware = told.get("FWVER", texts[0])
        self.model = told.get("MOD", f"hardware {texts[1]}")
        self.protocol = told.get("PROTVER", "")

    @property
    def keyed(self) -> bool | None:
        """Whether it takes keys; None: it does not tell."""
        major = re.match(r"[0-9]{1,4}", self.protocol)
        return int(major[0]) >= KEYED_FROM if major else None


class Dialect(Protocol):
    """One of the two ways."""

    name: str
    interface: str  # one of INTERFACES, or "" where it is another one

    def read(self, name: str) -> int | None:
        """The value in force; None: refused, or no answer."""

    def write(self, name: str, value: int, tries: int = ...) -> str:
        """ "ack", "nak" or "silent"."""

    def save(self, values: dict[str, int]) -> dict[str, str]:
        """Keeps these over power-off: memory -> answer."""


class Keyed:
    """Generation 9 and later: UBX-CFG-VALSET and -VALGET."""

    name = "keys"

    def __init__(self, line: UbloxLine, interface: str) -> None:
        self._line, self.interface = line, interface

    def read(self, name: str) -> int | None:
        product = 1
        for key in self._keys(name):
            value = self._read_key(key)
            if value is None:
                return None
            product *= value
        return product

    def write(self, name: str, value: int, tries: int = 3) -> str:
        return self._line.tell(self._valset(_RAM, self._pairs(name, value)), tries)

    def save(self, values: dict[str, int]) -> dict[str, str]:
        pairs = [pair for name, value in values.items() for pair in self._pairs(name, value)]
        places = {"battery-backed memory": _BBR, "flash": _FLASH}
        return {place: self._line.tell(self._valset(layer, pairs)) for place, layer in places.items()}

    def knows(self) -> bool:
        """Whether the receiver speaks so at all."""
        return self._read_key("CFG_RATE_MEAS") is not None

    def _keys(self, name: str) -> Sequence[str]:
        interface = self.interface.upper()
        if name in SENTENCES:
            return (f"CFG_MSGOUT_NMEA_ID_{name}_{interface}",)
        return {
            "baud": (f"CFG_{interface}_BAUDRATE",),
            "nmea": (f"CFG_{interface}OUTPROT_NMEA",),
            "rate": ("CFG_RATE_MEAS", "CFG_RATE_NAV"),  # milliseconds of a measurement, measurements of a fix
            "model": ("CFG_NAVSPG_DYNMODEL",),
        }[name]

    def _pairs(self, name: str, value: int) -> list[tuple[str, int]]:
        first, *rest = self._keys(name)
        return [(first, value), *((key, 1) for key in rest)]

    def _read_key(self, key: str) -> int | None:
        from pyubx2 import UBXMessage, UBXReader
        from pyubx2.exceptions import UBXMessageError, UBXParseError, UBXTypeError

        answer = self._line.ask(_from_library(UBXMessage.config_poll(0, 0, [key])), slice(4, 8))
        if answer is None:
            return None
        try:
            return int(getattr(UBXReader.parse(answer.frame), key))
        except (AttributeError, TypeError, ValueError, UBXMessageError, UBXParseError, UBXTypeError):
            return None  # a good checksum, and nonsense behind it

    @staticmethod
    def _valset(layers: int, pairs: Iterable[tuple[str, int]]) -> Ubx:
        from pyubx2 import UBXMessage

        return _from_library(UBXMessage.config_set(layers, 0, list(pairs)))


class Legacy:
    """Generation 8 and before: UBX-CFG-RATE, -MSG, -NAV5, -PRT, -CFG."""

    name = "messages"

    def __init__(self, line: UbloxLine) -> None:
        self._line = line
        settings = self._port()
        self.interface = "" if settings is None else _NUMBERED.get(settings[0], "")

    def read(self, name: str) -> int | None:
        if name in _NUMBERS:
            asked = bytes((_NMEA_CLASS, _NUMBERS[name]))
            answer = self._line.ask(Ubx(_CFG, _MSG, asked), slice(2))
            at = 2 + next((number for number, one in _NUMBERED.items() if one == self.interface), 0)
            return None if answer is None or len(answer.payload) <= at else answer.payload[at]
        if name in ("baud", "nmea"):
            settings = self._port()
            if settings is None:
                return None
            return int.from_bytes(settings[8:12], "little") if name == "baud" else settings[14] >> 1 & 1
        answer = self._line.ask(Ubx(_CFG, _RATE if name == "rate" else _NAV5, b""))
        if answer is None or len(answer.payload) < 6:
            return None
        if name == "model":
            return answer.payload[2]
        measure_ms, count = struct.unpack_from("<HH", answer.payload)
        return int(measure_ms * count)

    def write(self, name: str, value: int, tries: int = 3) -> str:
        if name in _NUMBERS:
            message = Ubx(_CFG, _MSG, bytes((_NMEA_CLASS, _NUMBERS[name], value)))
        elif name == "rate":
            message = Ubx(_CFG, _RATE, struct.pack("<HHH", value, 1, 1))
        elif name == "model":
            message = Ubx(_CFG, _NAV5, struct.pack("<HB33x", 1, value))  # the mask says that only this is meant
        else:
            settings = self._port()
            if settings is None:
                return "silent"
            changed = bytearray(settings)
            if name == "baud":
                changed[8:12] = value.to_bytes(4, "little")
            else:
                changed[14] = settings[14] & ~_NMEA_OUT | _NMEA_OUT * value
            message = Ubx(_CFG, _PRT, bytes(changed))
        return self._line.tell(message, tries)

    def save(self, values: dict[str, int]) -> dict[str, str]:
        """All that is in force: single values cannot be kept. Which memories it has is not told."""
        message = Ubx(_CFG, _SAVE, struct.pack("<IIIB", 0, _KEPT, 0, _PLACES))
        return {"the memories it has": self._line.tell(message)}

    def _port(self) -> bytes | None:
        """The settings of the interface in use."""
        answer = self._line.ask(Ubx(_CFG, _PRT, b""))
        return answer.payload if answer is not None and len(answer.payload) == 20 else None


def _from_library(message: Any) -> Ubx:
    return Ubx(message.msg_cls[0], message.msg_id[0], message.payload or b"")
