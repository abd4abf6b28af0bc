"""`select` for the sockets of `netsocket`: `poll()` with `register`, `unregister`, `ipoll`, as the board has it.

As there, `ipoll` gives the poll object itself, which hands out one tuple again and again.
"""

import heap

POLLIN = 1
POLLOUT = 4


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
        self._ready = [(one, POLLIN) for one in self._sockets if one.open and one.waiting]
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
