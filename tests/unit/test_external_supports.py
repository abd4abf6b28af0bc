"""Supports of other systems: whose word is presented, how long, and that a journal repeats it [G 2.6(3), 3.8]."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvcore import codes, journal, params
from asvcore.arbiter import Arbiter
from asvcore.commands import WIDTH
from asvcore.core import Core
from asvcore.externals import EXTERNAL_WIDTH, SOURCE
from asvcore.neighbour import RECEIVED_MS
from asvcore.params import NONE
from asvcore.settings import Settings
from asvcore.support import ACTIVE, HOLD, Support
from asvcore.supports import Supports
from asvunit.events import Translator
from asvunit.inbox import Inbox
from asvunit.journal import JournalWriter
from asvunit.live import LiveUnit
from asvunit.parts import Parts, Times
from asvunit.ports import ExternalSupport
from asvunit.presenter import Presenter
from asvunit.unit import Unit
from coretools import Drive, Target, encounter

VEHICLE, ROADSIDE, AUTONOMOUS = codes.ORIGIN_VEHICLE, codes.ORIGIN_ROADSIDE, codes.ORIGIN_AUTONOMOUS
LEFT, RIGHT = codes.DIRECTION_LEFT, codes.DIRECTION_RIGHT
INFORMATION, CAUTION = codes.LEVEL_INFORMATION, codes.LEVEL_CAUTION
CROSSING, TURN = codes.FUNCTION_CROSSING, codes.FUNCTION_RIGHT_TURN
NEARBY = (codes.FUNCTION_SURROUNDING, codes.FUNCTION_EMERGENCY)
ALARMED = 5000  # a target that reaches the crossing at 8000 is given caution by then


def last(drive: Drive, origin: int, function: int = CROSSING) -> tuple[int, int, str]:
    """Level, presented and reason, as last told, of what an origin says."""
    of_vehicle = origin == VEHICLE
    for record in reversed(drive.of("support")):
        if record["function"] != function or (record["vehicle_id"] != NONE) != of_vehicle:
            continue
        if of_vehicle or record["source"] == SOURCE[origin]:
            return record["level"], record["presented"], record["reason"]
    raise AssertionError("nothing was told")


def presented(drive: Drive, function: int = CROSSING) -> set[int]:
    """The origins whose word reaches the driver."""
    return {s.origin for s in drive.core.supports.pool if s.level and s.presented and s.function == function}


def alarmed(**settings: int) -> Drive:
    """A core that gives caution for a vehicle from the left, at `ALARMED`."""
    drive = Drive(surrounding=0, **settings)
    drive.stand()
    encounter(drive, [Target(8000)], 1100, ALARMED)
    assert last(drive, VEHICLE)[:2] == (CAUTION, 1)
    return drive


def goes_on(drive: Drive, first: int, until: int, said: dict[int, int], level: int = CAUTION) -> None:
    """The vehicle comes nearer, others repeat their word every `said` ms."""
    target = Target(8000)
    target.counter = first // 100
    for t in range(first, until + 1, 100):
        for origin, every_ms in said.items():
            if (t - first) % every_ms == 0:
                drive.external(t, origin, level)
        encounter(drive, [target], t, t)


def repeated(drive: Drive, origin: int, first: int, until: int, *word: int) -> None:
    """A word every 100 ms, and the ticks."""
    for t in range(first, until + 1, 100):
        drive.external(t, origin, *word)
        drive.tick(t)


@pytest.mark.parametrize("origin", [ROADSIDE, AUTONOMOUS])
def test_a_word_is_presented_as_said_and_of_no_vehicle(origin):
    drive = Drive()
    drive.external(100, origin, INFORMATION, RIGHT)
    (record,) = drive.of("support")
    assert (record["level"], record["presented"], record["reason"]) == (INFORMATION, 1, "external")
    assert (record["source"], record["vehicle_id"], record["cause"]) == (SOURCE[origin], NONE, 1)
    assert [record[key] for key in ("distance_dm", "error_dm", "threshold_dm", "ttc_ms")] == [NONE] * 4
    shown = drive.of("hmi")[-1]
    assert (shown["direction"], shown["text"]) == (RIGHT, codes.TEXT_CROSSING_INFORMATION_RIGHT)
    drive.external(200, origin, INFORMATION, RIGHT)
    assert len(drive.of("support")) == 1  # the repetition tells nothing new
    drive.external(300, origin, CAUTION, RIGHT)
    assert last(drive, origin) == (CAUTION, 1, "external")
    assert drive.of("hmi")[-1]["sound"] == codes.SOUND_CAUTION
    drive.external(400, origin, INFORMATION, RIGHT)
    assert last(drive, origin) == (INFORMATION, 1, "external")


def shown(drive: Drive) -> list[dict]:
    """What the outputs were told, without when and why."""
    return [{key: value for key, value in one.items() if key not in ("t", "cause")} for one in drive.of("hmi")]


@pytest.mark.parametrize("origin", [ROADSIDE, AUTONOMOUS])
@pytest.mark.parametrize("level", [INFORMATION, CAUTION])
def test_the_same_danger_looks_and_sounds_the_same_whoever_tells_it(origin, level):
    by_vehicle = Drive(surrounding=0)
    by_vehicle.stand()
    encounter(by_vehicle, [Target(8000)], 1100, 4000 if level == INFORMATION else ALARMED)
    by_other = Drive(surrounding=0)
    by_other.stand()
    repeated(by_other, origin, 1100, 1500, level)
    assert shown(by_other)[-1] == shown(by_vehicle)[-1]
    assert shown(by_other)[-1]["level"] == level


def test_the_most_trusted_of_the_same_danger_and_level_is_presented():
    drive = alarmed()
    drive.external(ALARMED, ROADSIDE)
    assert presented(drive) == {ROADSIDE}
    assert last(drive, VEHICLE) == (CAUTION, 0, "superseded")
    drive.external(ALARMED, AUTONOMOUS)
    assert presented(drive) == {AUTONOMOUS}
    assert last(drive, ROADSIDE) == (CAUTION, 0, "superseded")
    assert last(drive, VEHICLE) == (CAUTION, 0, "superseded")
    goes_on(drive, ALARMED + 100, ALARMED + 1500, {ROADSIDE: 100, AUTONOMOUS: 500})
    assert presented(drive) == {AUTONOMOUS}
    drive.external(ALARMED + 1500, AUTONOMOUS, codes.LEVEL_NONE)
    assert presented(drive) == {ROADSIDE}
    assert len(drive.of("hmi")) == 2  # information, caution: the driver notices none of it


def test_one_that_is_trusted_more_takes_over_whatever_came_first():
    drive = Drive()
    drive.external(0, AUTONOMOUS)
    drive.external(10, ROADSIDE)
    assert presented(drive) == {AUTONOMOUS}
    assert last(drive, ROADSIDE) == (CAUTION, 0, "superseded")


@pytest.mark.parametrize(("age_ms", "told"), [(500, AUTONOMOUS), (600, VEHICLE)])
def test_what_is_fresher_by_more_than_half_a_second_outranks(age_ms, told):
    drive = alarmed()
    drive.external(ALARMED, AUTONOMOUS)
    goes_on(drive, ALARMED + 100, ALARMED + age_ms, {})
    assert presented(drive) == {told}
    other = VEHICLE if told == AUTONOMOUS else AUTONOMOUS
    assert last(drive, other) == (CAUTION, 0, "superseded")


def test_of_three_ages_one_is_always_presented():
    """Each is fresher or more trusted than another of them; all three silenced would read as all clear."""
    drive = alarmed()
    drive.external(ALARMED, AUTONOMOUS)
    goes_on(drive, ALARMED + 100, ALARMED + 400, {})
    drive.external(ALARMED + 450, ROADSIDE)
    goes_on(drive, ALARMED + 500, ALARMED + 900, {})
    assert presented(drive) == {ROADSIDE}
    assert last(drive, AUTONOMOUS)[1:] == (0, "superseded")
    assert last(drive, VEHICLE)[1:] == (0, "superseded")


def test_the_higher_level_wins_over_trust():
    drive = alarmed()
    drive.external(ALARMED, AUTONOMOUS, INFORMATION)
    assert presented(drive) == {VEHICLE}
    assert last(drive, AUTONOMOUS) == (INFORMATION, 0, "superseded")
    drive.external(ALARMED, ROADSIDE, CAUTION)
    assert presented(drive) == {ROADSIDE}
    drive.external(ALARMED + 10, AUTONOMOUS, CAUTION)
    assert presented(drive) == {AUTONOMOUS}


def test_a_held_word_gives_way_to_one_that_still_holds():
    drive = Drive()
    repeated(drive, AUTONOMOUS, 0, 500)
    drive.external(600, ROADSIDE, INFORMATION)
    assert presented(drive) == {AUTONOMOUS}
    for t in range(700, 2100, 100):  # "none" again and again is fresh, but nobody is in danger by it
        drive.external(t, AUTONOMOUS, codes.LEVEL_NONE)
        drive.external(t, ROADSIDE, INFORMATION)
        drive.tick(t)
    assert last(drive, AUTONOMOUS) == (INFORMATION, 0, "superseded")
    assert presented(drive) == {ROADSIDE}
    assert drive.of("hmi")[-1]["text"] == codes.TEXT_CROSSING_INFORMATION_LEFT


@pytest.mark.parametrize("function", [CROSSING, TURN, codes.FUNCTION_LEFT_TURN])
def test_an_end_is_held_three_seconds(function):
    drive = Drive()
    repeated(drive, ROADSIDE, 0, 500, CAUTION, LEFT, function)
    drive.external(550, ROADSIDE, codes.LEVEL_NONE, LEFT, function)
    assert last(drive, ROADSIDE, function) == (INFORMATION, 1, "external_ended")
    for t in range(600, 3600, 100):
        drive.tick(t)
        drive.external(t, ROADSIDE, codes.LEVEL_NONE, LEFT, function)  # does not make it longer
        assert last(drive, ROADSIDE, function)[:2] == (INFORMATION, 1)
        shown = drive.of("hmi")[-1]
        if t < 2000:  # caution is shown for two seconds at least [D14]
            assert shown["level"] == CAUTION
        else:
            told = (codes.TEXT_KEEP_WATCHING, codes.SOUND_NONE, 0)
            assert (shown["text"], shown["sound"], shown["cue"]) == told
    drive.tick(3600)
    assert last(drive, ROADSIDE, function) == (0, 0, "hold_over")
    assert drive.of("hmi")[-1]["level"] == 0
    told = len(drive.records)
    drive.external(3650, ROADSIDE, codes.LEVEL_NONE, LEFT, function)
    assert len(drive.records) == told


def test_what_is_not_repeated_for_a_second_is_stale_and_held():
    drive = Drive()
    drive.external(0, AUTONOMOUS)
    for t in range(100, 1001, 100):
        drive.tick(t)
    assert last(drive, AUTONOMOUS) == (CAUTION, 1, "external")
    drive.tick(1001)
    assert last(drive, AUTONOMOUS) == (INFORMATION, 1, "external_stale")
    drive.tick(4000)
    assert last(drive, AUTONOMOUS)[0] == INFORMATION
    drive.tick(4001)
    assert last(drive, AUTONOMOUS) == (0, 0, "hold_over")


def test_a_word_that_comes_back_while_held_goes_on():
    drive = Drive()
    drive.external(0, AUTONOMOUS)
    drive.tick(1100)
    assert last(drive, AUTONOMOUS)[2] == "external_stale"
    drive.external(1200, AUTONOMOUS, INFORMATION)
    assert last(drive, AUTONOMOUS) == (INFORMATION, 1, "external")
    drive.tick(2000)
    assert drive.of("hmi")[-1]["text"] == codes.TEXT_CROSSING_INFORMATION_LEFT


@pytest.mark.parametrize("function", NEARBY)
@pytest.mark.parametrize("level", [codes.LEVEL_NONE, None])
def test_who_is_around_is_not_held(function, level):
    drive = Drive()
    drive.external(0, ROADSIDE, INFORMATION, 0, function)
    assert last(drive, ROADSIDE, function) == (INFORMATION, 1, "external")
    if level is None:
        drive.tick(1100)
    else:
        drive.external(100, ROADSIDE, level, 0, function)
    assert last(drive, ROADSIDE, function) == (0, 0, "external_stale" if level is None else "external_ended")
    assert drive.of("hmi")[-1]["level"] == INFORMATION
    drive.tick(1999)
    assert drive.of("hmi")[-1]["level"] == INFORMATION  # for two seconds at least [D14]
    drive.tick(2000)
    assert drive.of("hmi")[-1]["level"] == 0


@pytest.mark.parametrize(
    ("trusted", "other", "function", "both_presented"),
    [
        (LEFT, LEFT, CROSSING, False),
        (LEFT | RIGHT, LEFT, CROSSING, False),
        (0, RIGHT, CROSSING, False),  # no side told: it speaks for both
        (LEFT, RIGHT, CROSSING, True),
        (LEFT, LEFT | RIGHT, CROSSING, True),  # the right side would be silenced
        (LEFT, 0, CROSSING, True),
        (LEFT, RIGHT, TURN, False),  # a turn has one side
        (RIGHT, 0, TURN, False),
    ],
)
def test_one_speaks_for_another_only_where_it_tells_all_its_sides(trusted, other, function, both_presented):
    drive = Drive()
    drive.external(0, ROADSIDE, CAUTION, other, function)
    drive.external(0, AUTONOMOUS, CAUTION, trusted, function)
    assert presented(drive, function) == ({AUTONOMOUS, ROADSIDE} if both_presented else {AUTONOMOUS})


def test_other_functions_are_other_dangers():
    drive = Drive()
    drive.external(0, ROADSIDE, CAUTION, LEFT, TURN)
    drive.external(0, AUTONOMOUS, CAUTION, LEFT, CROSSING)
    assert presented(drive, TURN) == {ROADSIDE}
    assert presented(drive, CROSSING) == {AUTONOMOUS}


@pytest.mark.parametrize("parallel", [1, 2])
def test_not_more_than_the_parallel_limit_are_presented(parallel):
    drive = Drive(parallel=parallel)
    words = [(ROADSIDE, INFORMATION, LEFT, CROSSING), (AUTONOMOUS, INFORMATION, 0, TURN), (ROADSIDE, CAUTION, 0, TURN)]
    for word in words:
        drive.external(0, *word)
    drive.external(0, AUTONOMOUS, CAUTION, RIGHT, CROSSING)
    repeated(drive, ROADSIDE, 50, 2050, CAUTION, 0, TURN)
    repeated(drive, AUTONOMOUS, 2050, 2050, CAUTION, RIGHT, CROSSING)
    drive.tick(2100)
    # Danger first, the higher level and then crossing, once those before were shown for the minimum
    shown = {(s.origin, s.level, s.function) for s in drive.core.supports.pool if s.presented}
    most = [(AUTONOMOUS, CAUTION, CROSSING), (ROADSIDE, CAUTION, TURN)]
    assert shown == set(most[:parallel])
    assert len(drive.core.supports.pool) > len(words) > parallel


def test_a_caution_of_who_is_around_is_a_caution():
    """V2V gives information alone there [G 4.4.2]; another system's caution has the function's text, and its rank."""
    drive = Drive(parallel=1)
    drive.external(0, ROADSIDE, INFORMATION, LEFT, CROSSING)
    drive.external(0, AUTONOMOUS, CAUTION, LEFT, codes.FUNCTION_SURROUNDING)
    shown = drive.of("hmi")[-1]
    assert (shown["function"], shown["level"]) == (codes.FUNCTION_SURROUNDING, CAUTION)
    assert (shown["text"], shown["sound"]) == (codes.TEXT_SURROUNDING, codes.SOUND_CAUTION)


def test_a_pool_full_of_vehicles_has_room_for_another_system():
    drive = Drive(supports=4, surrounding=0)
    drive.stand()
    targets = [Target(9000 + 50 * n, vehicle_id=200 + n, source=n) for n in range(4)]
    encounter(drive, targets, 1100, 6000)
    assert all(support.level for support in drive.core.supports.pool)
    drive.external(6000, AUTONOMOUS, CAUTION, RIGHT)
    assert "displaced" in {record["reason"] for record in drive.supports()}
    repeated(drive, AUTONOMOUS, 6050, 6750, CAUTION, RIGHT)
    assert last(drive, AUTONOMOUS) == (CAUTION, 1, "external")
    assert presented(drive) == {AUTONOMOUS, VEHICLE}


def test_more_systems_than_room_are_counted():
    drive = Drive()
    words = [(o, f, d) for o in (ROADSIDE, AUTONOMOUS) for f in (CROSSING, TURN, *NEARBY) for d in (LEFT, RIGHT)]
    for origin, function, direction in words[: params.EXTERNALS + 3]:
        drive.external(0, origin, CAUTION, direction, function)
        drive.external(0, ROADSIDE, codes.LEVEL_NONE, 0, codes.FUNCTION_LEFT_TURN)  # ends nothing, needs no room
    assert drive.core._externals.dropped == 3
    assert sum(support.state != 0 for support in drive.core.supports.pool) == params.EXTERNALS


@pytest.mark.parametrize("word", [(0, 1, 1, 1), (3, 1, 1, 1), (1, 0, 1, 1), (1, 6, 1, 1), (1, 1, 3, 1), (1, 1, 1, 4)])
def test_our_misuse_is_refused(word):
    with pytest.raises(ValueError, match="support of"):
        Drive().core.on_support(*word, 0, 1)


_ONE = st.tuples(
    st.sampled_from([VEHICLE, ROADSIDE, AUTONOMOUS]),
    st.sampled_from([CROSSING, TURN, codes.FUNCTION_SURROUNDING]),
    st.sampled_from([INFORMATION, CAUTION]),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([0, 100, 400, 600, 900, 1300]),
)


NOW_MS = 10_000


def decided(ones: list[tuple[int, int, int, int, bool, int]], parallel: int = 2) -> list[Support]:
    """Supports of origin, function, level, direction, whether held, and age in ms, once the arbiter has chosen."""
    settings = Settings()
    settings.set("parallel", parallel)
    supports = Supports(settings)
    for support, (origin, function, level, direction, held, age_ms) in zip(supports.pool, ones, strict=False):
        support.neighbour = [0] * EXTERNAL_WIDTH
        support.neighbour[RECEIVED_MS] = NOW_MS - age_ms
        support.origin, support.function, support.direction = origin, function, direction
        support.state, support.level = (ACTIVE, level)
        if held and function not in NEARBY:  # those end at once
            support.state, support.level = HOLD, INFORMATION
    Arbiter(settings, supports).decide(NOW_MS)
    return list(supports.pool[: len(ones)])


@pytest.mark.parametrize(("level", "told"), [(INFORMATION, AUTONOMOUS), (CAUTION, ROADSIDE)])
def test_only_what_tells_the_same_level_makes_another_outdated(level, told):
    ones = [(AUTONOMOUS, CAUTION, 600), (ROADSIDE, CAUTION, 200), (VEHICLE, level, 0)]
    found = decided([(origin, CROSSING, one, LEFT, False, age_ms) for origin, one, age_ms in ones])
    assert [one.origin for one in found if one.presented] == [told]


@given(st.lists(_ONE, min_size=1, max_size=8))
def test_no_danger_is_silenced_by_all_together(ones):
    """Whatever is told: for each function and side, the highest grade told is told by one that is not superseded."""
    told = decided(ones)
    for function in (CROSSING, TURN, codes.FUNCTION_SURROUNDING):
        for side in (LEFT, RIGHT):
            here = [one for one in told if one.function == function and _tells_of(one, side)]
            assert max(map(_danger, here), default=0) == max(
                (_danger(one) for one in here if not one.superseded), default=0
            )
    assert sum(one.presented for one in told) == min(2, sum(not one.superseded for one in told))


def _tells_of(support, side: int) -> bool:
    return support.function == TURN or not support.direction or bool(support.direction & side)


def _danger(support) -> int:
    return support.level * 2 + (support.state == ACTIVE)


class Live:
    """A live unit with a journal, and other systems' words put into its inbox by hand."""

    def __init__(self) -> None:
        self.now_ns = 5_000_000_000
        self.events: list[dict[str, object]] = []
        self.inbox, self.journal = Inbox(), io.StringIO()
        settings = Settings()
        self.live = LiveUnit(
            lambda clock, **ways: Unit(settings, clock, journal=JournalWriter(self.journal, settings), **ways),
            Parts(self.inbox, {}, None, None, Presenter([]), self.events.append),
            Times(lambda: self.now_ns, lambda: 1_790_000_000_000_000_000 + self.now_ns),
        )

    def run(self, for_ms: int) -> None:
        end_ns = self.now_ns + for_ms * 1_000_000
        while self.live.deadline_ns() <= end_ns:
            self.now_ns = max(self.live.deadline_ns(), self.now_ns)
            self.live.turn()
        self.now_ns = end_ns

    def say(self, origin: str, function: str, level: str, direction: str | None) -> None:
        self.inbox.put(ExternalSupport(self.now_ns, origin, function, level, direction))
        self.live.turn()


def test_a_journal_gives_what_the_live_unit_gave():
    unit = Live()
    unit.run(250)
    unit.say("roadside", "crossing", "caution", "both")
    unit.run(120)
    unit.say("autonomous", "crossing", "caution", None)
    unit.run(1500)  # both go stale
    unit.say("autonomous", "left_turn", "information", "left")
    unit.say("autonomous", "left_turn", "none", "left")
    unit.run(4000)
    unit.inbox.close()
    lines = unit.journal.getvalue().splitlines()
    said = [line.split()[3:] for line in lines if line[0] == "X"]
    assert said == [["1", "1", "2", "3"], ["2", "1", "2", "0"], ["2", "3", "1", "1"], ["2", "3", "0", "1"]]
    assert lines[0] == journal.MAGIC
    core, record = Core(journal.settings_of(lines[1])), [0] * WIDTH
    translator, again = Translator(unit.live.unit.sources, "en"), []
    for line in lines[2:]:
        journal.feed(core, line)
        while core.commands.take(record):
            event = translator.event(record, 0.0)
            if event and event["event"] in ("support", "hmi"):
                again.append(event)
    live = [one | {"t": 0.0} for one in unit.events if one["event"] in ("support", "hmi")]
    assert live == again
    told = [one for one in live if one["event"] == "support" and one["source"]]
    assert {one["source"] for one in told} == {"roadside", "autonomous"}
    assert {one["reason"] for one in told} >= {
        "external",
        "superseded",
        "external_stale",
        "external_ended",
        "hold_over",
    }
    latency = [one for one in unit.events if one["event"] == "latency"]
    assert latency[0]["input"] == "support"
