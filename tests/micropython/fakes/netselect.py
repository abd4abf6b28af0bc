"""`select` for the sockets of `netsocket`: `poll()` with `register`, `unregister`, `ipoll`, as the board has it.

A stream such as sys.stdout is ready unless `stuck.streams`.
As there, `ipoll` gives the poll object itself, which hands out one tuple again and again.
"""

import heap

POLLIN = 1
POLLOUT = 4


class Stuck:
    """What does not take anything."""

    streams = False


stuck = Stuck()


class poll:
    def __init__(self):
        self._sockets = []
        self._ready = []
        self._at = 0

    def register(self, one, eventmask=POLLIN | POLLOUT):
        if one not in self._sockets:
            self._sockets.append(one)

    def unregister(self, one):
        self._sockets.remove(one) if one in self._sockets else None

    def ipoll(self, timeout=-1, flags=0):
        if timeout != 0:
            raise NotImplementedError("a fake does not wait: ipoll(0)")
        heap.pause()
        self._ready = []
        for one in self._sockets:
            if not hasattr(one, "waiting"):
                if not stuck.streams:
                    self._ready.append((one, POLLOUT))
            elif one.open and one.waiting:
                self._ready.append((one, POLLIN))
        heap.resume()
        self._at = 0
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self._at >= len(self._ready):
            raise StopIteration
        self._at += 1
        return self._ready[self._at - 1]
