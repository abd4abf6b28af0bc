"""Who sent a frame: the address as text outside, a small integer inside the core."""

import random
from collections import OrderedDict

from asvcore import codes
from asvcore.externals import SOURCE
from asvcore.neighbours import SOURCE_LIMIT
from asvcore.params import TRANSMISSION_INTERVAL_MS
from asvunit.words import word

_ORIGINS = {SOURCE[origin]: word("ORIGIN", origin) for origin in (codes.ORIGIN_ROADSIDE, codes.ORIGIN_AUTONOMOUS)}


class Sources:
    """Maps addresses to integers below SOURCE_LIMIT and back; the longest silent gives way when all are taken."""

    def __init__(self, limit: int = SOURCE_LIMIT) -> None:
        self._limit = limit
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._names: list[str] = []

    def number(self, name: str) -> int:
        """The integer of an address, a new one if it has none."""
        found = self._numbers.get(name)
        if found is not None:
            self._numbers.move_to_end(name)
            return found
        if len(self._names) < self._limit:
            number = len(self._names)
            self._names.append(name)
        else:
            _silent, number = self._numbers.popitem(last=False)
            self._names[number] = name
        self._numbers[name] = number
        return number

    def name(self, number: int) -> str | None:
        """The address of an integer, the word of another support system; None for the core's "no value"."""
        if number < 0:
            return _ORIGINS.get(number)
        return self._names[number] if number < len(self._names) else None


def ignition_mac(seed: int) -> str:
    """A random, locally administered MAC address of one ignition [G 3.7.2(d)]."""
    return "02:" + random.Random(seed).randbytes(5).hex(":")  # noqa: S311 - privacy by change, not by secrecy


def ignition_phase_ns(seed: int) -> int:
    """When, in the 100 ms of the transmissions, a unit sends: random, for others start at the same time."""
    return random.Random(f"phase {seed}").randrange(TRANSMISSION_INTERVAL_MS * 1_000_000)  # noqa: S311
