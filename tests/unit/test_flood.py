"""The flood of the rig: its vehicles drive without a jump, its garbage is what it says, and all of it is sent."""

import math
import select
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from asvrig.live import flood, flood_streams
from asvrig.live.flood_frames import COUNTS, KINDS, NEAREST_M, TIME_AT, circling, forged_frames, garbage, time_bytes
from asvrig.live.many_sender import ManySender, Ring, packet_socket, udp_socket
from asvunit.errors import AsvkitError, UsageError
from asvunit.message import decode, values
from asvunit.trailer import split

PERIOD_S = 0.2
METRES = 111_000.0


@pytest.fixture
def ear():
    """A bound socket on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        yield one


def heard(ear, count):
    """So many payloads, all that come if they are fewer."""
    got = []
    while len(got) < count and select.select([ear], [], [], 5)[0]:
        got.append(ear.recv(4096))
    return got


def metres(one, other):
    """Between two messages' places."""
    north = (other["latitude_deg"] - one["latitude_deg"]) * METRES
    east = (other["longitude_deg"] - one["longitude_deg"]) * METRES * math.cos(math.radians(one["latitude_deg"]))
    return east, north


@pytest.mark.parametrize("place", [(35.0, 139.0), (-33.9, -70.6)])
def test_vehicles_drive_as_they_say(place):
    frames = circling(range(2000, 2005), PERIOD_S, *place)
    middle = {"latitude_deg": place[0], "longitude_deg": place[1]}
    for number in range(5):
        told = [values(decode(frames[step, number].tobytes())) for step in range(COUNTS)]
        assert [one["increment_counter"] for one in told] == list(range(COUNTS))
        assert {one["vehicle_id"] for one in told} == {2000 + number}
        for one, after in zip(told, [*told[1:], told[0]], strict=True):  # the last goes over into the first
            east, north = metres(one, after)
            assert math.hypot(east, north) == pytest.approx(one["speed_kmh"] / 3.6 * PERIOD_S, abs=0.5)
            turn = (math.degrees(math.atan2(east, north)) - one["direction_deg"] + 180) % 360 - 180
            assert abs(turn) < 40  # of a step of at least a metre, told to 0.3 m
            assert math.hypot(*metres(middle, one)) > NEAREST_M - 1


def test_vehicles_of_one_seed_are_the_same():
    assert (circling([7], PERIOD_S, 35, 139, seed=3) == circling([7], PERIOD_S, 35, 139, seed=3)).all()
    assert (circling([7], PERIOD_S, 35, 139, seed=3) != circling([7], PERIOD_S, 35, 139, seed=4)).any()


def test_the_time_goes_into_a_message_and_nothing_else_does():
    frame = circling([7], PERIOD_S, 35, 139)[5, 0].tobytes()
    ring = Ring([bytes(50), b"head" + frame])
    part = time_bytes(1_600_000_000)  # 2020-09-13 12:26:40 UTC
    ring.overwrite(1, 4 + TIME_AT, part)
    after = values(decode(frame[:TIME_AT] + part + frame[TIME_AT + len(part) :]))
    assert after == values(decode(frame)) | {"fix_time_jst": "21:26:40"}
    with pytest.raises(ValueError, match="the frame has 50"):
        ring.overwrite(0, 48, part)


def test_forged_frames_name_key_and_time_and_are_signed_by_nobody():
    frames = forged_frames(77, PERIOD_S, 35, 139, seed=1)
    ring = Ring([b"head" + frame for frame in frames])
    before_ms = time.time_ns() // 1_000_000
    flood_streams.Forgery(4).set(ring, 3)
    assert len(frames) == COUNTS
    message, trailer = split(ring.frame(2)[4:])
    assert (trailer.key_id, values(decode(message))["emergency"]) == (77, True)
    assert before_ms <= trailer.time_ms <= time.time_ns() // 1_000_000
    assert len({split(ring.frame(number)[4:])[1].signature for number in range(COUNTS)}) == COUNTS


def test_no_flood_where_the_degree_cannot_bear_the_sign():
    with pytest.raises(UsageError, match="equator"):
        circling([7], PERIOD_S, 0.2, 139)


def test_garbage_is_of_its_kind():
    of = {kind: garbage([kind]) for kind in KINDS}
    assert all(len(frame) not in (100, 178) for frame in of["length"])
    assert {len(frame) for frame in of["version"]} == {len(frame) for frame in of["message"]} == {100}
    assert all(frame[0] & 0x1F != 1 for frame in of["version"])
    assert all(frame[0] & 0x1F == 1 for frame in of["message"])
    assert all(len(frame) == 178 and frame[100:102] == b"PV" for frame in of["trailer"])
    assert garbage(KINDS)[:4] != garbage(KINDS, seed=2)[:4]
    for wrong in ([], ["lenght"]):
        with pytest.raises(UsageError, match="kinds"):
            garbage(wrong)


def test_a_ring_is_sent_in_order_and_round(ear):
    frames = [bytes([number]) * number for number in range(1, 151)]
    ring, sender = Ring(frames), ManySender()
    with udp_socket("127.0.0.1", ear.getsockname()[1]) as out:
        assert sender.send(out.fileno(), ring, 100) == 100
        assert sender.send(out.fileno(), ring, 100) == 100
    assert heard(ear, 200) == frames + frames[:50]
    assert not sender.refused


def test_what_the_kernel_refuses_is_counted():
    sender = ManySender()
    with udp_socket("127.0.0.1", 9) as out:
        assert sender.send(out.fileno(), Ring([bytes(65_600)] * 3), 3) == 0
    assert sender.refused == {"EMSGSIZE": 3}


def test_sockets_that_cannot_be():
    with pytest.raises(UsageError, match="no IPv4 or IPv6"):
        udp_socket("radio", 47100)
    with pytest.raises(UsageError, match="nothing can be sent"):
        udp_socket("127.0.0.1", 47100, "nosuch0")
    with pytest.raises(UsageError, match="nosuch0"):
        packet_socket("nosuch0")


def stream(out, rate, number=0, of=1):
    return flood_streams.Stream(out, Ring([bytes([count]) for count in range(200)]), rate, number, of)


def test_streams_of_a_kind_take_turns(ear):
    with udp_socket("127.0.0.1", ear.getsockname()[1]) as out:
        kin = [stream(out, 1000, number, 4) for number in range(4)]
        assert [one.due_ns() for one in kin] == [0, 1_000_000, 2_000_000, 3_000_000]
        for one in kin:
            one.told = {"due": 0, "sent": 0, "missed": 0}
            one.send(ManySender(), 10_000_000)  # frames 0..10 are due: 3, 3, 3, 2
        assert [one.told["sent"] for one in kin] == [3, 3, 3, 2]
        assert [one.due_ns() for one in kin] == [12_000_000, 13_000_000, 14_000_000, 11_000_000]
    assert len(heard(ear, 11)) == 11


def test_a_stream_that_was_held_up_sends_no_burst(ear):
    with udp_socket("127.0.0.1", ear.getsockname()[1]) as out:
        late = stream(out, 1000)
        late.told = {"due": 0, "sent": 0, "missed": 0}
        late.send(ManySender(), 99_000_000)
    assert late.told == {"due": 100, "sent": 50, "missed": 50}
    assert heard(ear, 50) == [bytes([count]) for count in range(50, 100)]
    assert late.due_ns() == 100_000_000


def test_the_process_sends_what_it_is_told(ear):
    port = str(ear.getsockname()[1])
    rates = ("--valid", "500", "--ids", "10", "--garbage", "2000", "--seconds", "0.3")
    begin_s = int(time.time())
    with flood.Flood("udp", "127.0.0.1", port, *rates) as process:
        process.begin()
        told = process.result()
    assert 150 <= told["valid"]["due"] < 165  # the end comes a little later where the machine stood still
    assert 600 <= told["garbage"]["due"] < 660
    sent = {name: told[name]["sent"] for name in ("valid", "garbage")}
    got = heard(ear, sum(sent.values()))
    messages = [frame for frame in got if len(frame) == 100 and frame[0] == 1]
    assert (len(messages), len(got)) == (sent["valid"], sum(sent.values()))
    assert {decode(frame)["vehicle_id"] for frame in messages} == set(range(2000, 2010))
    clocks = {
        f"{datetime.fromtimestamp(s, UTC) + timedelta(hours=9):%H:%M:%S}" for s in range(begin_s, int(time.time()) + 1)
    }
    assert {values(decode(frame))["fix_time_jst"] for frame in messages} <= clocks


def test_a_process_that_cannot_begin_says_why():
    with pytest.raises(AsvkitError, match=r"ended early: .*no IPv4 or IPv6"):
        flood.Flood("udp", "somewhere", "47100")
