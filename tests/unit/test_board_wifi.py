"""The radio of a board: joins, loses and joins again without ever waiting; senders as bounded small integers."""

from collections.abc import Iterator

import pytest
from asvboard import wifi
from asvboard.config import Table
from asvboard.sources import Sources
from asvboard.wifi import CONNECTED, JOIN_FAILED, LOST, OWN_ECHO, SEND_FAILED, TOO_LATE, TRAILERS, UNSENT, WifiRadio
from hypothesis import given
from hypothesis import strategies as st

from asvunit import identity
from asvunit.ports import TRAILER_BYTES, TRAILER_MARK
from boardtools import manual_time, netselect, netsocket, network, power_on

PORT = 47100
OTHER = ("192.168.1.31", 40001)
MESSAGE = bytes(100)


@pytest.fixture(autouse=True)
def cold() -> Iterator[None]:
    power_on()
    network.air.points["home"] = "password"
    yield
    power_on()


def radio_of(
    role: str = "station", ssid: str = "home", password: str = "password", address: str = "broadcast"
) -> WifiRadio:
    table = Table()
    for name, value in {
        "role": role,
        "ssid": ssid,
        "password": password,
        "address": address,
        "port": PORT,
        "channel": 6,
    }.items():
        setattr(table, name, value)
    wlan = network.WLAN(network.AP_IF if role == "access_point" else network.STA_IF)
    return WifiRadio(wlan, netsocket, netselect.poll(), table, 4)


def go_on(radio: WifiRadio, ms: int) -> None:
    for _ in range(ms // 10):
        radio.poll(manual_time.clock.ms)
        manual_time.clock.advance(10)


def heard(radio: WifiRadio) -> list[tuple[int, bytes]]:
    frames = []
    while radio.receive():
        frames.append((radio.source, bytes(radio.payload)))
    return frames


def test_it_joins_and_sends_to_the_broadcast_address_of_the_network() -> None:
    radio = radio_of()
    assert not radio.send(MESSAGE)
    assert not radio.receive()
    go_on(radio, 4000)
    assert radio.up
    assert radio.address == "192.168.1.20"
    assert radio.send(MESSAGE)
    assert netsocket.net.sent == [(MESSAGE, ("192.168.1.255", PORT))]
    assert network.WLAN(network.STA_IF).settings["pm"] == network.WLAN.PM_NONE
    bound = [one.port for one in netsocket.net.sockets]
    assert sorted(bound) == [0, PORT]  # it sends from a port of its own


@pytest.mark.parametrize(
    ("address", "mask", "wanted"),
    [
        ("192.168.4.1", "255.255.255.0", "192.168.4.255"),
        ("10.1.2.3", "255.255.252.0", "10.1.3.255"),
        ("172.16.0.9", "255.255.255.240", "172.16.0.15"),
    ],
)
def test_broadcast(address: str, mask: str, wanted: str) -> None:
    assert wifi.broadcast(address, mask) == wanted


def test_a_lost_network_is_joined_again() -> None:
    radio = radio_of()
    go_on(radio, 4000)
    network.air.gone()
    go_on(radio, 200)
    assert not radio.up
    assert radio.counts[LOST] == 1
    assert not netsocket.net.sockets  # none is left open
    go_on(radio, 20_000)
    assert radio.counts[JOIN_FAILED] >= 2
    network.air.back()
    go_on(radio, 40_000)
    assert radio.up
    assert radio.counts[CONNECTED] == 2


def test_a_failing_network_is_tried_less_and_less_often() -> None:
    radio = radio_of(ssid="elsewhere")
    go_on(radio, 300_000)
    assert 8 <= network.air.joins <= 14
    assert radio.word == "no such network: mend radio.ssid, or come nearer; tried again" or radio.state == wifi.JOINING
    radio = radio_of(password="wrong-password")
    go_on(radio, 3200)
    assert radio.word == "wrong password: mend radio.password; tried again"


def test_a_chip_that_does_not_answer_is_tried_again() -> None:
    network.air.refuses = True
    radio = radio_of()
    go_on(radio, 10_000)
    assert radio.counts[JOIN_FAILED] >= 2
    network.air.refuses = False
    go_on(radio, 40_000)
    assert radio.up


def test_what_is_heard_has_its_sender_and_no_trailer() -> None:
    radio = radio_of()
    go_on(radio, 4000)
    signed = MESSAGE + TRAILER_MARK + bytes(TRAILER_BYTES - 2)
    other = MESSAGE + b"XX" + bytes(TRAILER_BYTES - 2)
    taken = []
    for data, source in (
        (MESSAGE, OTHER), (signed, ("192.168.1.32", 1)), (other, OTHER), (b"", OTHER), (bytes(1400), OTHER),
        (MESSAGE, (radio.address, 1)),
    ):  # fmt: skip
        netsocket.net.deliver(data, source, PORT)
        taken += heard(radio)
    assert taken == [(0, MESSAGE), (1, MESSAGE), (0, other), (0, b""), (0, bytes(179))]
    assert radio.counts[TRAILERS] == 1
    assert radio.counts[OWN_ECHO] == 1


def test_a_full_air_is_counted() -> None:
    radio = radio_of()
    go_on(radio, 4000)
    netsocket.net.full = True
    assert not radio.send(MESSAGE)
    assert radio.counts[SEND_FAILED] == 1
    netsocket.net.full = False
    assert radio.send(MESSAGE)


def test_an_access_point_makes_the_network() -> None:
    radio = radio_of(role="access_point")
    go_on(radio, 500)
    assert radio.up
    assert radio.send(MESSAGE)
    assert netsocket.net.sent[0][1] == ("192.168.4.255", PORT)
    settings = network.WLAN(network.AP_IF).settings
    assert (settings["ssid"], settings["password"], settings["security"]) == (
        "home",
        "password",
        network.WLAN.SEC_WPA_WPA2,
    )


def test_another_address_is_taken_as_it_is() -> None:
    radio = radio_of(address="255.255.255.255")
    go_on(radio, 4000)
    radio.send(MESSAGE)
    assert netsocket.net.sent[0][1] == ("255.255.255.255", PORT)


def test_its_times_go_back_with_the_clock() -> None:
    radio = radio_of(ssid="elsewhere")
    go_on(radio, 5000)
    joins = network.air.joins
    radio.rebase(manual_time.clock.ms)
    for now_ms in range(0, 35_000, 10):
        radio.poll(now_ms)
        manual_time.clock.advance(10)
    assert network.air.joins > joins


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3)), max_size=60))
def test_senders_have_the_numbers_that_a_unit_on_linux_gives(senders: list[tuple[int, int]]) -> None:
    board, linux = Sources(5), identity.Sources(5)
    for host, port in senders:
        assert board.number((f"10.0.0.{host}", port)) == linux.number(f"10.0.0.{host}:{port}")
    assert board.count <= 5
    assert len(board._numbers) == board.count


class Endless:
    """A poller to which there is always something to read."""

    def ipoll(self, timeout: int) -> list[tuple[object, int]]:
        return [(self, 1)]


class Echo:
    """A socket that hears what goes under the board's own address, without end."""

    def __init__(self, address: str) -> None:
        self.address, self.read = address, 0

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        self.read += 1
        assert self.read < 100
        return MESSAGE, (self.address, PORT)


def test_a_flood_under_its_own_address_does_not_keep_the_loop() -> None:
    radio = radio_of()
    go_on(radio, 6000)
    radio._poller, radio._ears = Endless(), Echo(radio.address)
    assert not radio.receive()
    assert radio.counts[OWN_ECHO] == wifi.READS


def test_a_link_that_takes_no_frames_is_told_and_made_anew() -> None:
    radio = radio_of()
    go_on(radio, 6000)
    assert radio.up

    class Full:
        def sendto(self, frame: bytes, target: tuple[str, int]) -> None:
            raise OSError(12)

        def close(self) -> None:
            pass

    radio._mouth = Full()
    for number in range(UNSENT):
        assert radio.up, number
        assert not radio.send(MESSAGE)
        go_on(radio, 100)
    assert not radio.up
    assert radio.word == "the network takes no frames; tried again"
    assert (radio.counts[SEND_FAILED], radio.counts[LOST]) == (UNSENT, 1)
    go_on(radio, 9000)
    assert radio.up
    assert radio.send(MESSAGE)
    assert radio._unsent == 0


def test_what_waited_through_a_stall_is_dropped() -> None:
    radio = radio_of()
    go_on(radio, 6000)
    netsocket.net.deliver(MESSAGE, OTHER, PORT)
    radio.forget_waiting()
    assert heard(radio) == []
    assert radio.counts[TOO_LATE] == 1
