"""The heap lock of tests that run on boards' hardware of pretence: what the pretence itself allocates is not counted.

`lock()`, `unlock()` around the code that may allocate nothing; `pause()`, `resume()` around what a fake does.
Without a heap to lock, as on CPython, all of them do nothing.
"""

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        pass

    heap_unlock = heap_lock

_locked = [False]


def lock():
    _locked[0] = True
    heap_lock()


def unlock():
    if _locked[0]:
        _locked[0] = False
        heap_unlock()


def pause():
    if _locked[0]:
        heap_unlock()


def resume():
    if _locked[0]:
        heap_lock()
