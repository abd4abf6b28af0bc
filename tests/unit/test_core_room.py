"""The core's fixed room: how many supports, how many records one event may lead to, and what is too large for it."""

from pathlib import Path

import pytest

import journaltools
from asvcore import codes, journal, params
from asvcore.commands import WIDTH
from asvcore.core import Core
from asvcore.externals import Externals
from asvcore.neighbour import FURTHER, NODE_LATITUDE_CAS, PLACE, kind_of, length_dm, node_distance_dm
from asvcore.neighbours import Neighbours
from asvcore.params import NONE
from asvcore.settings import Settings
from coretools import Drive, Target, encounter, frame


def most_records(path: Path) -> tuple[int, int, Core]:
    """The most records that one event led to, how many there were, and the core, drained after each event."""
    with path.open() as lines:
        assert lines.readline().strip() == journal.MAGIC
        core, record = Core(journal.settings_of(lines.readline())), [0] * WIDTH
        most = told = 0
        for line in lines:
            journal.feed(core, line)
            assert core.commands.lost == 0, line
            most = max(most, core.commands.count)
            while core.commands.take(record):
                assert record[1] == told
                told += 1
    return most, told, core


@pytest.mark.parametrize("write", [journaltools.hostile, journaltools.in_parts, journaltools.extremes])
def test_no_event_leads_to_more_records_than_there_is_room_for(tmp_path: Path, write) -> None:
    write(tmp_path / "journal")
    most, told, core = most_records(tmp_path / "journal")
    assert told > 1000
    assert most > core.settings.support_count()


def test_a_tick_on_a_tick_left_open_loses_nothing(tmp_path: Path) -> None:
    """The crowd, every tick of it begun and left to the next, which is one in whole."""
    journaltools.crowded(tmp_path / "journal")
    lines = (tmp_path / "journal").read_text().splitlines()
    ticks = [number for number, line in enumerate(lines) if line.startswith("T ")]
    for number in ticks[::2]:
        lines[number] = f"B{lines[number][1:]}"
    (tmp_path / "journal").write_text("\n".join(lines) + "\n")
    most_records(tmp_path / "journal")


def test_all_supports_may_end_begin_and_end_in_one_event() -> None:
    """Room for them three times over, beside what a tick may tell of states, reasons and those who are gone."""
    settings = Settings()
    settings.set("neighbours", 64)
    core, record = Core(settings), [0] * WIDTH
    supports, told = settings.support_count(), 0
    states = 3 + 1 + codes.SIGNALS + 5 + 1  # inputs, lamps, signals, readiness, the frame
    most = 3 * (supports + 1) + states + 2 * (params.TOLD_A_CYCLE + core.neighbours.expire_at_once)
    for number in range(most):
        core.commands.put(codes.COMMAND_SUPPORT, number, 0)
    assert core.commands.lost == 0
    core.commands.put(codes.COMMAND_SUPPORT, most, 0)
    assert core.commands.lost == 1
    while core.commands.take(record):
        told += 1
        assert (record[1], record[2]) == (told, told)  # the oldest went, and the numbers tell it
    assert told == most


def test_the_sequence_numbers_wrap() -> None:
    core, record = Core(Settings()), [0] * WIDTH
    core.commands._sequence = (1 << 29) - 2
    for _ in range(4):
        core.commands.put(codes.COMMAND_DROP, 0, 0)
    numbers = []
    while core.commands.take(record):
        numbers.append(record[1])
    assert numbers == [(1 << 29) - 2, (1 << 29) - 1, 0, 1]


@pytest.mark.parametrize(
    ("neighbours", "given", "supports"),
    [(1, 0, 16), (64, 0, 16), (65, 0, 16), (100, 0, 25), (256, 0, 64), (4096, 0, 64), (64, 64, 64), (256, 1, 1)],
)
def test_supports_are_a_quarter_of_the_neighbours_unless_told(neighbours: int, given: int, supports: int) -> None:
    settings = Settings()
    settings.set("neighbours", neighbours)
    if given:
        settings.set("supports", given)
    assert len(Core(settings).supports.pool) == supports


def test_a_journal_of_before_keeps_its_supports() -> None:
    settings = journal.settings_of("settings neighbours=64 supports=64")
    assert len(Core(settings).supports.pool) == 64


def test_a_table_is_emptied_by_an_eighth_at_once() -> None:
    gone = {}
    for neighbours in (16, 256):
        drive = Drive(neighbours=neighbours)
        for number in range(neighbours):
            drive.message(0, frame(number), source=number)
        drive.tick(1001)
        gone[neighbours] = sum(one["reason"] == "gone" for one in drive.of("neighbour"))
    assert gone == {16: 8, 256: 32}


def test_rows_know_their_place() -> None:
    table = Neighbours(8)
    made = [table.add(key) for key in range(8)]
    for row in (made[2], made[7], made[0]):
        table.remove(row)
        assert [row[PLACE] for row in table.used] == list(range(8))
        assert table.get(1) is made[1]
        assert table.get(6) is made[6]


def test_a_row_keeps_kind_length_and_node_apart() -> None:
    drive = Drive()
    for length, kind, node_m in ((31, 4095, 501), (0, 0, 0), (1, 5, 499)):
        drive = Drive()
        far = {"intersection_information_availability": 3, "nearest_intersection_distance": node_m}
        drive.message(0, frame(vehicle_classification=kind, vehicle_length=length, **far))
        row = drive.core.neighbours.used[0]
        assert (kind_of(row), node_distance_dm(row)) == (kind, node_m * 10)
        assert length_dm(row) == (length * 20 or 120)  # of a bus, where it is not told
        assert row[NODE_LATITUDE_CAS] == 0
        assert row[FURTHER] < 1 << 30


def test_an_external_counts_from_when_it_was_due_again() -> None:
    from asvcore.neighbour import FOLLOWED, age_ms, source_of, vehicle_id_of

    externals = Externals()
    first = externals.take(codes.ORIGIN_ROADSIDE, 1, codes.LEVEL_CAUTION, 1, 1000)
    assert (source_of(first), vehicle_id_of(first), age_ms(first, 1400)) == (-1, NONE, 400)
    first[1] |= FOLLOWED
    again = externals.take(codes.ORIGIN_ROADSIDE, 1, codes.LEVEL_CAUTION, 1, 1300)
    assert again is first
    assert [age_ms(again, now_ms) for now_ms in (1300, 1600, 1700)] == [0, 0, 100]


def test_what_no_car_does_is_too_large_for_no_sum() -> None:
    """An epoch of a mad receiver and a node at the end of the world: nothing beyond the limits, and all goes on."""
    drive = Drive()
    drive.stand()
    most = (1 << 29) - 1
    drive.core.on_fix(12_600_000, 50_040_000, most, 0, most, most, most, 0, 0, 1000, 1)
    assert drive.core.ego.speed_ckmh() == 100_000
    drive.core.on_node(12_600_000, 50_040_000, most, 0, 1000, 2)
    assert drive.core.ego.node.distance_dm == 1_000_000
    drive.tick(1100)
    encounter(drive, [Target(15000)], 1200, 1300)
    assert drive.core.commands.lost == 0
