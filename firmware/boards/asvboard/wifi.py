"""The radio of a board: UDP over its Wi-Fi, one payload a datagram, as `asvunit.adapters.udp` on Linux.

It joins the network and joins it again by itself, without ever waiting: `WLAN.connect` returns at once, and `poll`
looks at its status. As an access point it makes the network that a second board joins: two need no router.

What allocates on a board: `recvfrom`, some 300 bytes a frame, for there is no way to a datagram's sender into a buffer
of one's own (`readinto` tells no address); joining; a new sender in `Sources`. Looking whether anything waits and
sending allocate nothing: `ipoll` hands out the same tuple again and again, and a socket that has nothing is never read,
which would raise. The board's lwIP holds one datagram for a socket (four since MicroPython 1.26) until it is read:
the loop must come round in a few ms, or frames are lost unseen.
"""

from array import array

from asvcore.message import MESSAGE_BYTES

from .sources import Sources

ACCESS_POINT = "access_point"  # as `radio.role`
BROADCAST = "broadcast"  # as `radio.address`: that of the network it has joined

SIGNED_BYTES = 178
_P, _V = 0x50, 0x56  # mark of a trailer
_LONGEST = SIGNED_BYTES + 1  # what is longer is cut, and is malformed either way

GOT_IP = 3  # of WLAN.status()
LOOK_MS = 100  # between two looks at the link
UNSENT = 10  # frames in a row that the network did not take: the link is none
READS = 4  # of one call: an echo that comes without end must not keep the loop
JOIN_MS = 15000  # a join that takes longer has failed
FIRST_PAUSE_MS, LAST_PAUSE_MS = 1000, 30000  # before it is tried again, doubled each time

DOWN, JOINING, UP = range(3)

# By WLAN.status(), what a person can do about
_STATUSES = {
    -3: "wrong password: mend radio.password",
    -2: "no such network: mend radio.ssid, or come nearer",
    -1: "the access point refuses",
    2: "no address: the network has no DHCP server",
}

# Index into `counts`
CONNECTED, LOST, JOIN_FAILED, SEND_FAILED, RECEIVE_FAILED, OWN_ECHO, TRAILERS, CLOSE_FAILED, TOO_LATE = range(9)
REASONS = (
    "connected", "lost", "join_failed", "send_failed", "receive_failed", "own_echo", "trailers", "close_failed",
    "too_late",
)  # fmt: skip


def broadcast(address, mask):
    """The broadcast address of a network, of its dotted address and mask."""
    parts, bits = address.split("."), mask.split(".")
    return ".".join(["%d" % (int(parts[at]) | 255 - int(bits[at])) for at in range(4)])


class WifiRadio:
    """`wlan`, `sockets` (the module) and `poller` (select.poll()) are the board's; `table` is `Config.radio`.

    After `receive` was true `payload` is a message's bytes without trailer and `source` its sender. A trailer is not
    verified: a board has no keys, and who signs is an ordinary vehicle to it.
    """

    def __init__(self, wlan, sockets, poller, table, capacity):
        self.state = DOWN
        self.status = 0  # of WLAN.status(), when it was looked at last
        self.payload = b""
        self.source = 0
        self.address = ""  # own, while it is up
        self.counts = array("i", [0] * len(REASONS))
        self.sources = Sources(capacity)
        self._wlan = wlan
        self._modules = sockets
        self._poller = poller
        self._table = table
        self._ears = self._mouth = None
        self._target = None
        self._active = False
        self._pause_ms = FIRST_PAUSE_MS
        self._next_ms = 0  # when it is looked at, or tried again
        self._until_ms = 0  # a join has time until then
        self._unsent = 0  # frames, since one was sent

    @property
    def up(self):
        """Whether frames go out and come in."""
        return self.state == UP

    @property
    def word(self):
        """The state of the link, in words for the console."""
        if self.state == UP:
            return "up, %s, sends to %s port %d" % (self.address, self._target[0], self._target[1])
        if self.state == JOINING:
            return "joining " + self._table.ssid
        if self._unsent >= UNSENT:
            return "the network takes no frames; tried again"
        return _STATUSES.get(self.status, "the link is down") + "; tried again"

    def poll(self, now_ms):
        """Looks after the link; returns its state."""
        if now_ms < self._next_ms:
            return self.state
        self._next_ms = now_ms + LOOK_MS
        if self.state == DOWN:
            self._join(now_ms)
            return self.state
        self.status = self._wlan.status()
        if self.state == UP:
            if self.status != GOT_IP or self._unsent >= UNSENT:
                self.counts[LOST] += 1
                self._fall(now_ms, FIRST_PAUSE_MS)
        elif self.status == GOT_IP:
            self._open()
        elif self.status < 0 or now_ms >= self._until_ms:
            self._join_failed(now_ms)
        return self.state

    def receive(self):
        """Takes the oldest frame that waits; False where there is none."""
        if self.state != UP:
            return False
        for _ in range(READS):
            if not self._waits():
                return False
            try:
                payload, sender = self._ears.recvfrom(_LONGEST)
            except OSError:
                self.counts[RECEIVE_FAILED] += 1
                return False
            if sender[0] == self.address:  # an access point sends back what it is to spread
                self.counts[OWN_ECHO] += 1
                continue
            if len(payload) == SIGNED_BYTES and payload[MESSAGE_BYTES] == _P and payload[MESSAGE_BYTES + 1] == _V:
                self.counts[TRAILERS] += 1
                payload = payload[:MESSAGE_BYTES]
            self.payload = payload
            self.source = self.sources.number(sender)
            return True
        return False

    def send(self, frame):
        """Sends 100 bytes to all; False if the network did not take them, which is counted."""
        if self.state != UP:
            return False
        try:
            self._mouth.sendto(frame, self._target)
        except OSError:
            self.counts[SEND_FAILED] += 1
            self._unsent += 1
            return False
        self._unsent = 0
        return True

    def forget_waiting(self):
        """Drops what waits: after a stall nobody knows how old it is."""
        for _ in range(READS):
            if not self.receive():
                return
            self.counts[TOO_LATE] += 1

    def restart(self, now_ms):
        """Begins anew, after a fault of its own."""
        self._fall(now_ms, FIRST_PAUSE_MS)

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self._next_ms -= offset_ms
        self._until_ms -= offset_ms

    def _waits(self):
        waits = False
        for _ready in self._poller.ipoll(0):  # to its end: it is one iterator
            waits = True
        return waits

    def _join(self, now_ms):
        """The first steps, which return at once; how they end is seen by `poll`."""
        table, wlan = self._table, self._wlan
        self.state = JOINING
        self._until_ms = now_ms + JOIN_MS
        try:
            if table.role == ACCESS_POINT:
                self._serve()
            else:
                if not self._active:
                    wlan.active(True)
                    wlan.config(pm=wlan.PM_NONE)  # asleep it hears broadcasts late, or never
                    self._active = True
                wlan.connect(table.ssid, table.password)
        except OSError:
            self._join_failed(now_ms)

    def _join_failed(self, now_ms):
        self.counts[JOIN_FAILED] += 1
        self._fall(now_ms, min(2 * self._pause_ms, LAST_PAUSE_MS))

    def _serve(self):
        table, wlan = self._table, self._wlan
        if not self._active:
            security = wlan.SEC_WPA_WPA2 if table.password else wlan.SEC_OPEN
            wlan.config(ssid=table.ssid, password=table.password, channel=table.channel, security=security)
        wlan.active(True)
        if not self._active:
            wlan.config(pm=wlan.PM_NONE)
            self._active = True

    def _open(self):
        """One socket hears; another, with a port of its own, sends."""
        modules, table = self._modules, self._table
        address, mask = self._wlan.ifconfig()[:2]
        target = broadcast(address, mask) if table.address == BROADCAST else table.address
        self._target = (target, table.port)
        self._ears = modules.socket(modules.AF_INET, modules.SOCK_DGRAM)
        self._ears.setblocking(False)
        self._ears.bind(("0.0.0.0", table.port))  # noqa: S104 - broadcasts come to no address of one's own
        self._poller.register(self._ears, 1)  # POLLIN
        self._mouth = modules.socket(modules.AF_INET, modules.SOCK_DGRAM)
        self._mouth.setblocking(False)
        if hasattr(modules, "SO_BROADCAST"):
            self._mouth.setsockopt(modules.SOL_SOCKET, modules.SO_BROADCAST, 1)
        self.address = address
        self.state = UP
        self._pause_ms = FIRST_PAUSE_MS
        self._unsent = 0
        self.counts[CONNECTED] += 1

    def _fall(self, now_ms, pause_ms):
        """Off the air; tried again after a pause."""
        self.state = DOWN
        self.address = ""
        self._pause_ms = pause_ms
        self._next_ms = now_ms + pause_ms
        if self._ears is not None:
            self._quietly(self._poller, "unregister", self._ears)
            self._quietly(self._ears, "close")
        if self._mouth is not None:
            self._quietly(self._mouth, "close")
        self._ears = self._mouth = None
        if self._table.role != ACCESS_POINT:
            self._quietly(self._wlan, "disconnect")

    def _quietly(self, one, how, *what):
        """What is given up may refuse it."""
        try:
            getattr(one, how)(*what)
        except (OSError, KeyError):
            self.counts[CLOSE_FAILED] += 1
