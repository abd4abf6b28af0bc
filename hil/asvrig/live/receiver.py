"""A GNSS receiver on a pty."""

from asvrig.live.device import PtyDevice


class ReceiverPty(PtyDevice):
    """Says what it is given. What a unit writes to it (receivers take commands) is read and forgotten."""

    def write(self, data: bytes) -> None:
        """Writes lines in one go; those that find no room are dropped whole, and counted."""
        self._put(data.splitlines(keepends=True))
