"""UDP sockets as the Pico W's `socket` has them, on a net of pretence: `import netsocket as socket`.

    socket.net.deliver(b"...", ("192.168.1.31", 47100), 47100)   # a datagram comes in for that port
    socket.net.sent                                              # [(bytes, (address, port)), ...] of all sockets

As the board's lwIP: of datagrams that come while `QUEUE` (1) wait, the later ones are lost (`net.lost`), and those
of a port nobody bound (`net.unheard`). With `setblocking(False)` or `settimeout(0)` (all that this fake can)
`recvfrom` and `recv` raise OSError(EAGAIN) and `readinto` gives None where nothing waits. `net.route = False`: sending
raises OSError(EHOSTUNREACH), as without an address; `net.full = True`: OSError(ENOMEM), as when the air is too slow.
Longer datagrams are cut to what is asked for.
"""

import heap

AF_INET = 2
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOL_SOCKET = 1
SO_REUSEADDR = 4
SO_BROADCAST = 32
IPPROTO_IP = 0
IP_ADD_MEMBERSHIP = 0x400
IP_DROP_MEMBERSHIP = 0x401

QUEUE = 1
_EBADF, _EAGAIN, _ENOMEM, _EINVAL, _EADDRINUSE, _EHOSTUNREACH = 9, 11, 12, 22, 98, 113


class Net:
    """What is between sockets and the test."""

    def __init__(self):
        self.sent = []
        self.lost = 0
        self.unheard = 0
        self.route = True
        self.full = False
        self.record = True
        self.sockets = []

    def deliver(self, data, source, port):
        """A datagram for a port; True if a socket took it."""
        for one in self.sockets:
            if one.port == port:
                if len(one.waiting) < QUEUE:
                    one.waiting.append((bytes(data), source))
                    return True
                self.lost += 1
                return False
        self.unheard += 1
        return False


net = Net()


def power_on():
    """As after a cold start."""
    net.__init__()


def getaddrinfo(host, port, af=0, kind=0, proto=0, flags=0):
    return [(AF_INET, kind or SOCK_STREAM, 0, "", (host, port))]


class socket:
    def __init__(self, af=AF_INET, kind=SOCK_STREAM, proto=0):
        if af != AF_INET or kind != SOCK_DGRAM:
            raise OSError(_EINVAL)
        self.port = 0
        self.waiting = []
        self.options = []
        self.open = True
        self._blocking = True
        net.sockets.append(self)

    def _check(self):
        if not self.open:
            raise OSError(_EBADF)

    def bind(self, address):
        self._check()
        for one in net.sockets:
            if one is not self and one.port == address[1]:
                raise OSError(_EADDRINUSE)
        self.port = address[1]

    def setblocking(self, flag):
        self._blocking = bool(flag)

    def settimeout(self, value):
        self._blocking = value != 0

    def setsockopt(self, level, optname, value):
        self._check()
        if optname in {IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP} and len(value) != 8:
            raise ValueError
        self.options.append((level, optname, value))

    def sendto(self, data, address):
        self._check()
        if not net.route:
            raise OSError(_EHOSTUNREACH)
        if net.full:
            raise OSError(_ENOMEM)
        heap.pause()
        if net.record:
            net.sent.append((bytes(data), address))
        heap.resume()
        return len(data)

    def _wait(self):
        self._check()
        if self._blocking:
            raise NotImplementedError("a fake does not wait: setblocking(False) first")
        return bool(self.waiting)

    def recvfrom(self, bufsize):
        if not self._wait():
            raise OSError(_EAGAIN)
        data, source = self.waiting.pop(0)
        return data[:bufsize], source

    def recv(self, bufsize):
        return self.recvfrom(bufsize)[0]

    def readinto(self, buf, nbytes=None):
        if not self._wait():
            return None
        heap.pause()
        data = self.waiting.pop(0)[0]
        count = min(len(data), len(buf) if nbytes is None else min(nbytes, len(buf)))
        for index in range(count):
            buf[index] = data[index]
        heap.resume()
        return count

    def close(self):
        if self.open:
            self.open = False
            net.sockets.remove(self)
