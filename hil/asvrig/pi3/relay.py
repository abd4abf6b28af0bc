"""On the Pi: carries frames between a radio in OCB mode, that of the other vehicles there, and the bench's network.

The unit's radio and this one are a pair of mac80211_hwsim: they hear each other as two cards on the same channel
would. `python3 -m asvrig.pi3.relay wlan1 usb0`.
"""

import select
import socket
import sys
from typing import Final

from asvunit.radio.ethernet import ETHERTYPE

_LONGEST: Final = 4096
_OUTGOING: Final = 4  # PACKET_OUTGOING


def main() -> int:
    """Until it is ended."""
    ends = []
    for interface in sys.argv[1:3]:
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
        end.bind((interface, ETHERTYPE))
        ends.append(end)
    one, other = ends
    to = {one: other, other: one}
    while True:
        for end in select.select(ends, [], [])[0]:
            frame, address = end.recvfrom(_LONGEST)
            if address[2] != _OUTGOING:
                try:
                    to[end].send(frame)
                except OSError:  # no room, or its link is down just now: a frame is lost, as on the air
                    continue


if __name__ == "__main__":
    sys.exit(main())
