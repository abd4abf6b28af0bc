"""The bench's end of a radio of Ethernet frames: an interface in OCB mode, or any that reaches the unit's."""

import contextlib
import socket
import threading
from typing import Final

from asvrig.live.radio import OcbSender
from asvrig.targets.drivers_air import HeardList, stamp_ns
from asvrig.targets.target import Heard
from asvunit.errors import UsageError
from asvunit.identity import ignition_mac
from asvunit.radio.interface import check_name, fault, mend
from asvunit.trailer import SIGNED_FRAME_BYTES

_ETHER_TYPE: Final = 0x88B5  # IEEE local experimental 1, as the unit's
_HEADER_BYTES: Final = 14
_OUTGOING: Final = 4  # PACKET_OUTGOING
_SO_TIMESTAMPNS: Final = 35
_LONGEST: Final = 2048
_LOOK_S: Final = 0.2
_SEED: Final = 7000  # of the first vehicle's address


class EthernetAir(HeardList):
    """`targets.target.Air` on an interface of this bench. UsageError with the mend where it cannot be used."""

    def __init__(self, interface: str) -> None:
        super().__init__()
        self._interface = interface
        self._senders: dict[int, OcbSender] = {}
        check_name(interface, "radio.interface")
        reason = fault(interface, SIGNED_FRAME_BYTES)
        if reason:
            raise UsageError(f"radio.interface: {mend(reason, interface)}")
        with contextlib.ExitStack() as opened:
            try:
                self._socket = opened.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                self._socket.bind((interface, _ETHER_TYPE))
            except OSError as error:
                raise UsageError(f"radio.interface: {interface}: {error.strerror}; frames take root") from error
            self._socket.settimeout(_LOOK_S)
            opened.pop_all()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ear of the bench", daemon=True)
        self._thread.start()

    def sender(self, number: int = 0) -> OcbSender:
        """The radio of vehicle `number`, with an address of its own."""
        found = self._senders.get(number)
        if found is None or found.closed:
            found = self._senders[number] = OcbSender(self._interface, ignition_mac(_SEED + number))
        return found

    def close(self) -> None:
        """May be called twice."""
        self._ended.set()
        self._thread.join()
        self._socket.close()
        for sender in self._senders.values():
            sender.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                frame, told, _flags, address = self._socket.recvmsg(_LONGEST, 64)
            except TimeoutError:
                continue
            except OSError:  # the interface is down just now
                self.counters["network"] += 1
                self._ended.wait(_LOOK_S)
                continue
            if address[2] == _OUTGOING:
                self.counters["own"] += 1
                continue
            self._add(Heard(stamp_ns(told), frame[6:12].hex(":"), frame[_HEADER_BYTES:]))
