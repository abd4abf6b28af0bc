"""The same done to several things at once, by threads that never keep the process from ending."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Iterable[Result]], items: Sequence[Item]) -> Iterator[Result]:
    """The results for each item, in the order of the items; what one raises is raised in its place."""
    done: list[queue.SimpleQueue[list[Result] | Exception]] = [queue.SimpleQueue() for _item in items]

    def run(number: int) -> None:
        try:
            done[number].put(list(work(items[number])))
        except Exception as error:
            done[number].put(error)

    for number in range(len(items)):
        threading.Thread(target=run, args=(number,), daemon=True).start()
    for each in done:
        result = each.get()
        if isinstance(result, Exception):
            raise result
        yield from result
