"""The rig's bad link: what it makes of frames, by a seed; and the relay between two sockets."""

import itertools
import json
import socket
import subprocess
import sys

import pytest

from asvrig.live.bad_link import BadLink, Fates, Quality, Relay, main
from asvunit.errors import AsvkitError, UsageError

FRAMES = 20_000
MS = 1_000_000


def fates(quality, seed=1, frames=FRAMES):
    one = Fates(quality, seed)
    return one, [one.next_ns() for _ in range(frames)]


def runs(lost):
    """Lengths of the runs of lost frames."""
    return [len(list(group)) for gone, group in itertools.groupby(lost) if gone]


def test_a_good_link_does_nothing():
    one, taken = fates(Quality())
    assert set(taken) == {(0,)}
    assert one.counts == {"frames": FRAMES, "lost": 0, "doubled": 0, "reordered": 0}


@pytest.mark.parametrize(("loss", "burst"), [(10, 1), (10, 4), (30, 2), (1, 1)])
def test_losses_are_as_many_and_as_long_as_asked(loss, burst):
    one, taken = fates(Quality(loss=loss, burst=burst), frames=50_000)
    lost = [not copies for copies in taken]
    assert one.counts["lost"] == sum(lost)
    assert 100 * sum(lost) / len(lost) == pytest.approx(loss, rel=0.15)
    lengths = runs(lost)
    assert sum(lengths) / len(lengths) == pytest.approx(max(burst, 1 / (1 - loss / 100)), rel=0.1)


def test_a_dead_link_loses_all():
    assert set(fates(Quality(loss=100, burst=5))[1]) == {()}


def test_delay_jitter_doubling_and_reordering():
    one, taken = fates(Quality(doubled=20, reordered=5, reordered_ms=150, delay_ms=3, jitter_ms=2))
    copies = [copy for frame in taken for copy in frame]
    assert len(copies) == FRAMES + one.counts["doubled"]
    assert one.counts["doubled"] / FRAMES == pytest.approx(0.2, rel=0.1)
    assert one.counts["reordered"] / FRAMES == pytest.approx(0.05, rel=0.15)
    late = [copy for copy in copies if copy >= 150 * MS]
    assert all(153 * MS <= copy < 155 * MS for copy in late)
    assert all(3 * MS <= copy < 5 * MS for copy in copies if copy < 150 * MS)
    assert max(copies) - min(late) > MS


def test_the_seed_decides():
    quality = Quality(loss=20, doubled=20, reordered=20, jitter_ms=5)
    assert fates(quality, 7)[1] == fates(quality, 7)[1]
    assert fates(quality, 7)[1] != fates(quality, 8)[1]


def test_a_question_more_changes_no_other_fate():
    plain, more = (fates(quality)[1] for quality in (Quality(loss=20), Quality(loss=20, doubled=50, delay_ms=1)))
    assert [bool(one) for one in plain] == [bool(one) for one in more]


@pytest.mark.parametrize(
    "wrong", [{"loss": 101}, {"doubled": -1}, {"reordered": 200}, {"burst": 0.5}, {"delay_ms": -1}, {"jitter_ms": -2}]
)
def test_no_such_quality(wrong):
    with pytest.raises(UsageError, match="a bad link"):
        Quality(**wrong)


@pytest.fixture
def relay():
    """A relay between two pairs of sockets: (relay of a quality, outer socket, outer socket, inner files)."""
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
    for pair in pairs:
        for one in pair:
            one.setblocking(False)
    (left, inner_left), (right, inner_right) = pairs

    def made(**quality):
        one = Relay(inner_left, inner_right, Quality(**quality), seed=1)
        return one, left, right, (inner_left.fileno(), inner_right.fileno())

    yield made
    for pair in pairs:
        for one in pair:
            one.close()


def drained(ear):
    out = []
    try:
        while True:
            out.append(ear.recv(2048))
    except BlockingIOError:
        return out


def test_the_relay_carries_both_ways(relay):
    one, left, right, files = relay()
    left.send(b"to the right")
    right.send(b"to the left")
    assert one.wait_s(0) is None
    one.turn(files, 0)
    assert (drained(left), drained(right)) == ([b"to the left"], [b"to the right"])
    assert [way["frames"] for way in one.told()["ways"]] == [1, 1]


def test_the_relay_holds_frames_until_they_are_due(relay):
    one, left, right, files = relay(delay_ms=5)
    left.send(b"first")
    one.turn(files, 0)
    left.send(b"second")
    one.turn(files, 2 * MS)
    assert one.wait_s(3 * MS) == pytest.approx(0.002)
    assert drained(right) == []
    one.turn((), 5 * MS)
    assert drained(right) == [b"first"]
    one.turn((), 10 * MS)
    assert drained(right) == [b"second"]
    assert one.wait_s(10 * MS) is None


def test_the_relay_reorders(relay):
    one, left, right, files = relay(reordered=30, reordered_ms=2.5)
    for number in range(8):  # a socket pair holds about ten
        left.send(bytes([number]))
        one.turn(files, number * MS)
    one.turn((), 100 * MS)
    heard = [frame[0] for frame in drained(right)]
    assert sorted(heard) == list(range(8))
    assert heard != sorted(heard)


def test_what_an_interface_does_not_take_is_counted(relay):
    one, left, right, files = relay()
    right.close()
    left.send(b"nobody is there")
    one.turn(files[:1], 0)
    assert one.told()["refused"] == 1


def test_no_such_interface(capsys):
    assert main(["nosuch0", "nosuch1"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "nosuch0" in said
    with pytest.raises(AsvkitError, match="did not begin: nosuch0"):
        BadLink("nosuch0", "nosuch1", Quality())


def test_the_command_tells_of_a_wrong_quality():
    argv = [sys.executable, "-m", "asvrig.live.bad_link", "lo", "lo", "--loss", "120"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False, input="")
    assert (done.returncode, done.stdout) == (2, "")
    assert "percentages" in done.stderr


def test_told_is_json(relay):
    one, *_rest = relay(loss=50)
    assert json.loads(json.dumps(one.told()))["refused"] == 0
