"""What a winker, a fix or a switch of the driver's opens is judged at once: after the map's word, and boundedly."""

from asvcore import codes
from asvcore.elements import WINKER_OFF, WINKER_RIGHT
from asvcore.params import NONE, OPENED_A_CYCLE
from asvcore.settings import Settings
from asvunit.clock import UnitClock
from asvunit.ports import Fix
from asvunit.unit import Unit
from coretools import LATITUDE_CAS, LONGITUDE_CAS, NORTH_M, Drive, Target, frame

VOID = codes.REASON_VOID


def test_a_fix_after_none_waits_for_the_map_s_word() -> None:
    """Ego has priority at the crossing, as the map says at each fix: nothing is given at the first one after none."""
    drive, target = Drive(surrounding=0), Target(15_000)
    drive.fix(0, kmh=10)
    drive.tick(0)
    for t in range(100, 15_000, 100):
        blind = 7000 <= t < 12_100  # the target comes within its caution meanwhile
        drive.fix(t, status=VOID if blind else 0)
        if not blind:
            drive.core.on_node(LATITUDE_CAS + round(10 / NORTH_M), LONGITUDE_CAS, 10, 1, t, drive.cause)
        drive.message(t, target.frame(t))
        drive.tick(t)
    assert drive.of("hmi") == []
    assert "ego_priority" in drive.untold()


def test_what_the_fix_opens_is_given_with_the_map_s_word_not_a_cycle_later() -> None:
    drive, target = Drive(surrounding=0), Target(15_000)
    drive.stand()
    for t in range(1100, 12_100, 100):
        blind = t >= 7000
        drive.fix(t, status=VOID if blind else 0)
        if not blind:
            drive.core.on_node(NONE, NONE, NONE, NONE, t, drive.cause)
        drive.message(t, target.frame(t))
        drive.tick(t)
    assert drive.of("hmi") == []
    drive.fix(12_130)
    assert drive.of("hmi") == []
    drive.core.on_node(NONE, NONE, NONE, NONE, 12_130, drive.cause)
    drive.drain()
    (told,) = drive.of("hmi")
    assert (told["level"], told["t"], told["cause"]) == (codes.LEVEL_CAUTION, 12_130, drive.cause)


class NodeBeside:
    """A map without a node ahead."""

    def look(self, *_place: int) -> None: ...


def test_a_unit_with_a_map_says_so_before_its_first_fix() -> None:
    written: list[str] = []
    unit = Unit(Settings(), UnitClock(0, 0), sink=lambda event: None, send=lambda t, frame: None, nodes=NodeBeside())
    core, fix = unit.core, unit.core.on_fix
    core.on_fix = lambda *given: (written.append("fix"), fix(*given))
    core.on_node = lambda *given: written.append("node")
    for number in range(2):
        unit.fix(Fix(number * 100_000_000, True, "", 0, LATITUDE_CAS, LONGITUDE_CAS, 0, 0, 50))
    assert written == ["node", "fix", "node", "fix", "node"]


def crowd(**settings: int) -> tuple[Drive, list[int]]:
    """A core that stands and hears 20 vehicles; and the times at which one is judged, from now on."""
    drive, judged = Drive(**settings), []
    drive.stand()
    drive.vehicle(1000, codes.SIGNAL_WINKER, WINKER_OFF)
    for number in range(20):
        drive.message(1001, frame(number, 1, north_m=40 + number, direction=0), source=number)
    judging = drive.core._judging
    judge = judging.judge
    judging.judge = lambda neighbour, t, cause: (judged.append(t), judge(neighbour, t, cause))
    return drive, judged


def test_a_winker_that_flickers_costs_no_more_than_a_few_ticks() -> None:
    drive, judged = crowd()
    for t in range(1010, 1100, 10):
        drive.vehicle(t, codes.SIGNAL_WINKER, WINKER_RIGHT if t // 10 % 2 else WINKER_OFF)
    opened = [t for t in sorted(set(judged)) if judged.count(t) >= 20]
    assert opened == [1010, 1030]
    assert len(opened) == OPENED_A_CYCLE
    drive.vehicle(1100, codes.SIGNAL_WINKER, WINKER_OFF)
    drive.tick(1100)
    del judged[:]
    drive.vehicle(1110, codes.SIGNAL_WINKER, WINKER_RIGHT)  # in the next cycle it counts again
    assert judged == [1110] * 20


def test_what_opens_nothing_judges_nobody() -> None:
    drive, judged = crowd(right_turn=0, left_turn=0)
    drive.vehicle(1010, codes.SIGNAL_WINKER, WINKER_RIGHT)
    drive.vehicle(1020, codes.SIGNAL_WINKER, WINKER_OFF)
    assert judged == []
