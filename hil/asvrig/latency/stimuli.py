"""The stimuli: what is done to a unit so that a lamp changes at once, and how it is undone.

Each sample is armed (all but one of the conditions hold), fired (the last one comes, at a random phase), and reset.
The fired bytes are handed over in one write; `fire` tells the monotonic time just before it.

  can     the winker to the right, while an oncoming vehicle is near: caution [G 4.2.2]
  radio   the first frame of an oncoming vehicle inside L4, while the winker is on: caution [G 3.5(3)]
  gnss    the first valid fix after void ones, while both hold: caution
  switch  the request switch, while a vehicle is around: information [G 4.4.2(2)]
"""

from collections.abc import Callable
from time import monotonic_ns, sleep
from typing import Final

from asvrig.latency.car import MS, BenchCar, Vehicle, Way

Press = Callable[[str, int], int]  # name of a switch, 1 pressed or 0 let go: when, just before

_FIRST_ID: Final = 1000
_ONCOMING: Final = Way(east_m=0, north_m=18, speed_kmh=20, direction_deg=180)  # inside L4 of 20 m, for 3 s
_AROUND: Final = Way(east_m=8, north_m=15, speed_kmh=5, direction_deg=90)
_AROUND_WITHIN_M: Final = 12
_HELD_S: Final = 0.06
_VOID_S: Final = 0.25  # some void epochs
_ALONE_NS: Final = 60 * MS  # a fix comes so long after the last epoch, at least


class Stimulus:
    """One kind. `lamp` is lit by it, and the buzzer sounds if `sounds`; `armed_ns` from arming to firing at least.

    `unit` holds the tables that the unit's configuration needs for it, as TOML.
    """

    name = ""
    cause = ""  # the kind of input that the unit's latency events name
    lamp = "caution"
    sounds = True
    armed_ns = 250 * MS
    unit = "\n[surrounding]\nenabled = false\n\n[crossing]\nenabled = false\n"

    def __init__(self, car: BenchCar, press: Press | None = None) -> None:
        self.car, self._press = car, press

    def arm(self, number: int) -> None:
        """All but what is fired."""

    def plan(self, due_ns: int) -> None:
        """It will be fired then."""

    def fire(self) -> int:
        """At once; the monotonic time just before its bytes were handed over."""
        raise NotImplementedError

    def reset(self, lit: bool) -> None:
        """As before `arm`. `lit`: the lamp was seen lit."""
        self.car.winker("off")
        self.car.part()


class Winker(Stimulus):
    name, cause = "can", "signal"

    def arm(self, number: int) -> None:
        self.car.meet(_oncoming(number))

    def fire(self) -> int:
        return self.car.winker("right")


class FirstFrame(Stimulus):
    name, cause = "radio", "frame"

    def arm(self, number: int) -> None:
        self.car.winker("right")
        self._number = number

    def fire(self) -> int:
        return self.car.meet(_oncoming(self._number))


class FirstFix(Stimulus):
    name, cause = "gnss", "fix"

    def arm(self, number: int) -> None:
        self.car.lose_fix()
        sleep(_VOID_S)  # the unit must know it before there is anything to caution of
        self.car.meet(_oncoming(number))
        self.car.winker("right")

    def plan(self, due_ns: int) -> None:
        self.car.hold_fixes(due_ns - _ALONE_NS)

    def fire(self) -> int:
        return self.car.find_fix()


class Request(Stimulus):
    name, cause = "switch", "switch"
    lamp, sounds = "information", False
    unit = '\n[surrounding]\nshown = "request"\n\n[crossing]\nenabled = false\n'

    def arm(self, number: int) -> None:
        if number:
            self.car.stay_near(_AROUND_WITHIN_M)
        else:
            self.car.meet(Vehicle(_FIRST_ID, _AROUND, monotonic_ns()))

    def fire(self) -> int:
        return self._pressed(1)

    def reset(self, lit: bool) -> None:
        self._pressed(0)
        if lit:  # the next press ends it
            for value in (1, 0):
                sleep(_HELD_S)  # as a finger does: contacts settle first
                self._pressed(value)

    def _pressed(self, value: int) -> int:
        assert self._press
        return self._press("request", value)


STIMULI: Final[dict[str, type[Stimulus]]] = {one.name: one for one in (Winker, FirstFrame, FirstFix, Request)}


def _oncoming(number: int) -> Vehicle:
    return Vehicle(_FIRST_ID + number, _ONCOMING, monotonic_ns())
