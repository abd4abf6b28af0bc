"""The core of a session again: fed with its journal, looked at after each cycle, set to a checkpoint after a loss."""

from typing import TYPE_CHECKING, Any, Final, cast

from asvtools.session_journal import SETTINGS, SOURCE, Line

if TYPE_CHECKING:
    from asvcore.core import Core
    from asvunit.unit import Unit

_MS: Final = 1_000_000
_SCENE_NS: Final = 50 * _MS  # scenes are no closer: ticks may fall due between two cycles


class Again:
    """The core of a session, fed with its journal, as a unit that can be looked at."""

    def __init__(self, offset_ns: int) -> None:
        self.core: Core
        self.looked_ns = 0
        self.bad = 0
        self._made = False
        self._offset_ns = offset_ns
        self._base_ns = 0
        self._names: dict[int, str] = {}
        self._state: dict[str, Any] | None = None
        self._ticking = False

    def begin(self, state: dict[str, Any]) -> None:
        """The core goes on from a checkpoint, once the part's settings have made it."""
        self._state = state
        self._made = False

    def now_s(self) -> float:
        """Epoch seconds of the core's time, as the scene asks a unit for it."""
        return (self._base_ns + int(self.core.now_ms) * _MS + self._offset_ns) // 1000 / 1e6

    def feed(self, line: Line, at_ns: int | None, base_ns: int) -> dict[str, Any] | None:
        """A line; a scene where it ended a cycle."""
        from asvcore import journal

        self._base_ns = base_ns
        if line.kind == SETTINGS:
            if not self._made:
                self._make(line.text)
            return None
        if line.kind == SOURCE:
            self._names[int(line.words[0])] = line.words[1]
            return None
        if line.kind == "#" or not self._made:
            return None
        try:
            if line.kind == "P":
                ended = self._ticking and not self.core.go_on(int(line.words[1]), int(line.words[2]))
            else:
                journal.feed(self.core, line.text)
                ended = line.kind == "T"
        except (ValueError, IndexError, OverflowError):
            self.bad += 1
            return None
        self._ticking = line.kind == "B" or (self._ticking and not ended)
        while self.core.commands.take(self._record):
            pass
        return self._look() if ended else None

    def _make(self, text: str) -> None:
        from asvcore import journal
        from asvcore.commands import WIDTH
        from asvcore.core import Core

        try:
            self.core = Core(journal.settings_of(text))
            if self._state is not None:
                from asvunit.checkpoint import Checkpoint

                Checkpoint(self.core).restore(self._state["core"])
                names = self._state.get("words", {}).get("sources", [])
                self._names = dict(enumerate(map(str, names)))
                self._state = None
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            self.bad += 1
            return
        self._record = [0] * WIDTH
        self._made = True

    def name(self, number: int) -> str | None:
        """Of a source."""
        return self._names.get(number)

    def _look(self) -> dict[str, Any] | None:
        from asvunit.scene import scene

        at_ns = self._base_ns + self.core.now_ms * _MS + self._offset_ns
        if at_ns - self.looked_ns < _SCENE_NS:
            return None
        self.looked_ns = at_ns
        return scene(cast("Unit", _Looked(self)))


class _Looked:
    """What a scene asks of a unit."""

    def __init__(self, again: Again) -> None:
        self.core, self.sources, self.now_s = again.core, again, again.now_s
