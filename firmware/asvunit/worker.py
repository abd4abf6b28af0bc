"""A thread of the live unit that waits for work behind a condition, and ends within a second."""

import threading


class Worker:
    """`_run` waits on `_condition` for its work, and returns once `_ended` is set."""

    def __init__(self, name: str) -> None:
        self._condition = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread within a second; what waits is not done any more."""
        with self._condition:
            self._ended = True
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join(1)

    def _run(self) -> None:
        raise NotImplementedError
