"""The core's state as data and back: from any point on, a restored core decides the same, to the bit."""

import gc
import json
import random
from pathlib import Path

import pytest

from asvcore import codes, journal
from asvcore.codes import COMMAND_SEND
from asvcore.commands import WIDTH
from asvcore.core import Core
from asvcore.params import NONE
from asvcore.settings import Settings
from asvrig.generate import generate
from asvrig.scenario import load_scenario, scenario_names
from asvtools.cli import run
from asvunit.checkpoint import Checkpoint, dump_words, restore_words
from asvunit.events import Translator
from asvunit.identity import Sources
from coretools import frame


def records(core: Core) -> list[tuple]:
    """All that waits, and the frames of what is sent."""
    out, record = [], [0] * WIDTH
    while core.commands.take(record):
        out.append((*record, bytes(core.frame) if record[0] == COMMAND_SEND else b""))
    return out


def check(settings: str, lines: list[str], points: int, seed: int) -> dict[int, int]:
    """Restores at random points what a core is there, and feeds both the rest; what was told, by kind."""
    core = Core(journal.settings_of(settings))
    checkpoint = Checkpoint(core)
    rng = random.Random(seed)
    at = {rng.randrange(len(lines)) for _ in range(points)}
    states: dict[int, str] = {}
    wanted = []
    for number, line in enumerate(lines):
        journal.feed(core, line)
        wanted.append(records(core))
        if number in at:
            states[number] = json.dumps(checkpoint.dump())
    end = json.dumps(checkpoint.dump())
    for number, state in states.items():
        again = Core(journal.settings_of(settings))
        restored = Checkpoint(again)
        restored.restore(json.loads(state))
        assert json.dumps(restored.dump()) == state
        for place in range(number + 1, len(lines)):
            journal.feed(again, lines[place])
            assert records(again) == wanted[place], f"line {place}, from {number} on: {lines[place]}"
        assert json.dumps(restored.dump()) == end
    told: dict[int, int] = {}
    for each in wanted:
        for record in each:
            told[record[0]] = told.get(record[0], 0) + 1
    return told


def journal_of(name: str, folder: Path) -> tuple[str, list[str]]:
    path = folder / "unit.journal"
    recordings = generate(load_scenario(name), folder)
    assert run(["replay", *recordings.arguments(), "--journal", str(path)]) == 0
    _magic, settings, *lines = path.read_text().splitlines()
    return settings, lines


def hostile(steps: int, seed: int) -> list[str]:
    """Random inputs of every kind and size: full tables, doubled vehicles, switches, ticks in parts, rebases."""
    rng = random.Random(seed)
    lines, t = [], 0
    for number in range(steps):
        t += rng.choice((0, 1, 7, 33, 100, 100, 400))
        pick = rng.random()
        if pick < 0.12:
            kmh, place = rng.choice((0, 0, 300, 900)), rng.randrange(-40, 40)
            error, status = rng.choice((20, 50, "-")), rng.choice((0, 0, 0, codes.REASON_VOID))
            course = rng.choice((0, 9000, "-"))
            at = f"{12_600_000 + place} {50_040_000 + place}"
            lines.append(f"F {t} {number} {status} {at} {kmh} {course} {error} - - {t % 86_400_000}")
        elif pick < 0.3:
            signal = rng.randrange(codes.SIGNALS)
            value = rng.choice(
                ((0, 900), (4, 5), (4, 5, 6), (4, 5), (1, 2), (0, 100), (0, 200), (0, 900), (0, 1))[signal]
            )
            lines.append(f"V {t} {number} {signal} {value} {rng.choice((0, 0, 0, 1, 2))} {rng.randrange(3)}")
        elif pick < 0.34:
            lines.append(f"N {t} {number} 12600100 50040000 {rng.randrange(200)} {rng.choice((0, 1, '-'))}")
        elif pick < 0.39:
            words = rng.randint(1, 2), rng.randint(1, 5), rng.randrange(3), rng.randrange(4)
            lines.append(f"X {t} {number} {' '.join(map(str, words))}")
        elif pick < 0.42:
            lines.append(f"S {t} {number} {rng.randrange(2)} 1")
        elif pick < 0.8:
            vehicle = rng.randrange(14)
            north_m, east_m = rng.uniform(-100, 100), rng.uniform(-100, 100)
            payload = frame(
                vehicle, number, north_m, east_m, rng.choice((0, 20, 50)), rng.choice((0, 90, 180)),
                emergency_attention=int(vehicle == 3),
            )  # fmt: skip
            if rng.random() < 0.05:
                payload = payload[: rng.randrange(100)]
            lines.append(f"M {t} {number} {rng.randrange(3)} {int(rng.random() < 0.5)} {payload.hex()}")
        else:
            lines.append(f"B {t} 0")
            lines += [f"P {rng.randrange(1, 9)} 0"] * rng.randrange(4)
        if t > 60_000:
            lines.append("R 50000")
            t -= 50_000
    return lines


def test_a_restored_core_decides_the_same_from_any_point_on() -> None:
    told = check("settings neighbours=8 supports=4 parallel=2 surrounding_shown=1", hostile(1200, 1), 3, 2)
    assert min(told.get(kind, 0) for kind in range(1, 9)) > 0, "not every kind of record was told"


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 8)])
def test_a_restored_core_decides_the_same_in_every_mode(seed: int) -> None:
    modes = (
        f"presentation_mode={seed % 3} traffic_side={seed % 2} crossing_start={seed % 2} surrounding_shown={seed % 3}"
    )
    check(f"settings neighbours={4 << seed % 4} supports={3 + seed} {modes}", hostile(4000, seed), 12, seed)


EVERYDAY = ("crossing_flyover_map",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in EVERYDAY else pytest.mark.long) for name in scenario_names()]
)
def test_every_scenario_goes_on_from_a_checkpoint(name: str, tmp_path: Path) -> None:
    settings, lines = journal_of(name, tmp_path)
    assert len(lines) > 100
    check(settings, lines, 2, len(lines))


def small() -> Core:
    settings = Settings()
    settings.set("neighbours", 4)
    return Core(settings)


def test_all_that_a_core_changes_is_in_the_dump() -> None:
    """Of all objects of the core's that exist: none that was made later, no attribute that came later, no constant
    that was replaced."""
    core = small()
    checkpoint = Checkpoint(core)
    known = {id(thing) for thing in checkpoint._things}
    constants = [{name: id(value) for name, value in one.items()} for one in checkpoint._constants]
    for line in hostile(800, 9):
        journal.feed(core, line)
        records(core)
    for thing, names, before in zip(checkpoint._things, checkpoint._names, constants, strict=True):
        if names:
            attributes = {name for name in vars(thing) if name not in ("passed", "settings", "_settings")}
            assert attributes == set(names), type(thing).__name__
        assert {name: id(getattr(thing, name)) for name in before} == before
    gc.collect()
    reached = Checkpoint(core)
    assert {id(thing) for thing in reached._things} == known
    checkpoint.dump()  # and knows the numbers of all that is referred to


def test_a_dump_is_small_and_plain() -> None:
    core = Core(Settings())
    checkpoint = Checkpoint(core)
    assert checkpoint.dump()["things"] == []
    for line in hostile(400, 4):
        journal.feed(core, line)
    state = checkpoint.dump()
    assert json.loads(json.dumps(state)) == state
    assert len(json.dumps(state)) < 100_000


def dumped() -> dict:
    core = small()
    checkpoint = Checkpoint(core)
    for line in hostile(300, 5):
        journal.feed(core, line)
    return json.loads(json.dumps(checkpoint.dump()))


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing() -> None:
    state = dumped()
    core = small()
    checkpoint = Checkpoint(core)
    other = Settings()
    other.set("neighbours", 5)
    with pytest.raises(ValueError, match="setting neighbours is 4, here 5"):
        Checkpoint(Core(other)).restore(state)
    for change, said in (
        ({"version": 2}, "version"),
        ({"layout": 1}, "another version"),
        ({"settings": None}, "settings"),
        ({"things": state["things"][1:]}, "damaged"),
        ({"things": "x"}, "damaged"),
        ({"check": 0}, "damaged"),
    ):
        with pytest.raises(ValueError, match=said):
            checkpoint.restore({**state, **change})
    with pytest.raises(ValueError, match="no state"):
        checkpoint.restore([])  # type: ignore[arg-type]
    assert checkpoint.dump()["things"] == []
    checkpoint.restore(state)
    assert checkpoint.dump() == state


def test_a_forged_state_is_refused_thing_by_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though its checksum is right: wrong lengths, references to nothing, values that are none."""
    monkeypatch.setattr("asvunit.checkpoint._check", lambda _changed: 0)
    rng = random.Random(6)
    state = {**dumped(), "check": 0}
    checkpoint = Checkpoint(small())
    refused = 0
    for _ in range(120):
        forged = json.loads(json.dumps(state))
        entry = rng.choice(forged["things"])
        values = entry[1]
        pick = rng.randrange(5)
        if pick == 0 and values:
            entry[1] = values[:-1]
        elif pick == 1:
            entry[0] = rng.choice((-1, 10**6, "1", None))
        elif pick == 2 and isinstance(values, list):
            values[0] = rng.choice(("@999999", "@", "x", 1.5, [1], {}))
        elif pick == 3 and isinstance(values, str):
            entry[1] = "zz" * (len(values) // 2)
        else:
            entry[1] = rng.choice((None, 1, "x", {}))
        with pytest.raises(ValueError, match=r"damaged|no thing|does not fit|a value|array|hexadecimal"):
            checkpoint.restore(forged)
        refused += 1
    assert refused == 120
    assert checkpoint.dump()["things"] == []


def test_sources_and_words_go_on() -> None:
    sources = Sources(3)
    words = Translator(sources, "en")
    for name in ("a:1", "b:2", "c:3", "a:1", "d:4"):  # d takes the place of b, the longest silent
        sources.number(name)
    record = [codes.COMMAND_SIGNAL, 0, 0, 0, codes.SIGNAL_SPEED, codes.STATE_OK, codes.REASON_RECEIVED, 0, *[NONE] * 6]
    assert words.event(record, 5.25)["since"] == 5.25
    sent = [codes.COMMAND_SEND, 0, 0, 0, 1, 1, 1, 1, 0, 0, *[NONE] * 4]
    assert words.event(sent, 5.5) is not None
    state = json.loads(json.dumps(dump_words(words, sources)))

    again = Sources(3)
    others = Translator(again, "en")
    restore_words(state, others, again)
    assert [again.name(number) for number in range(3)] == ["a:1", "d:4", "c:3"]
    assert again.number("e:5") == sources.number("e:5")  # the same gives way
    assert others.event(record, 6.5)["since"] == 5.25
    assert others.event(sent, 6.5) is None  # as before: no event
    assert dump_words(others, again) == dump_words(words, sources)


@pytest.mark.parametrize(
    "change",
    [
        {"sources": None},
        {"sources": ["a", 1, "c"]},
        {"silent": [0, 0, 1]},
        {"silent": [0, 1, 7]},
        {"translator": {}},
        {"translator": {"own": ["x"], "since": []}},
        {"translator": {"own": [], "since": [[1, 2]]}},
    ],
)
def test_words_that_do_not_fit_are_refused(change: dict) -> None:
    sources = Sources()
    words = Translator(sources, "en")
    for name in ("a", "b", "c"):
        sources.number(name)
    state = {**dump_words(words, sources), **change}
    fresh = Sources()
    with pytest.raises(ValueError, match="no state of sources"):
        restore_words(state, Translator(fresh, "en"), fresh)
    assert dump_words(words, fresh)["sources"] == []
