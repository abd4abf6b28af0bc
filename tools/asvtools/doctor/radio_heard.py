"""Who is on the air: frames heard within the time of listening, by their senders."""

from collections import Counter

from asvcore.elements import MESSAGE_BYTES
from asvtools.doctor.finding import ABSENT, OK, PROBLEM, Finding, Job, plural
from asvunit.trailer import has_trailer

_TOLD = 4  # units with their rates


class Heard:
    """Counts what arrives on the radio."""

    def __init__(self, job: Job) -> None:
        self._seconds = job.seconds
        self._frames: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()

    def add(self, source: str, payload: bytes) -> None:
        """One frame: a message, a signed one, or of another form."""
        whole = len(payload) == MESSAGE_BYTES
        trailed = has_trailer(payload)
        if whole or trailed:
            self._frames[source] += 1
        self._kinds["message" if whole else "signed" if trailed else "malformed"] += 1

    def finding(self, own_host: str = "", same: str = "same address and port?") -> Finding:
        """`own_host`: other units that send from it are this machine's; `same`: what both units must have in common."""
        name, frames, kinds = "radio heard", self._frames, self._kinds
        found = {
            "units": dict(sorted(frames.items())), "messages": kinds["message"], "signed": kinds["signed"],
            "malformed": kinds["malformed"],
        }  # fmt: skip
        bad = f"; {plural(kinds['malformed'], 'frame')} of another form" if kinds["malformed"] else ""
        if not frames:
            state = PROBLEM if kinds["malformed"] else ABSENT
            mend = f"start another unit, or `asvkit peer --scenario crossing --config unit.toml`; {same}"
            if bad:
                mend = "another program uses this port or channel: set another on all units"
            return Finding(name, state, f"no other unit in {self._seconds:g} s{bad}", mend, False, found)
        told = ", ".join(f"{each} {count / self._seconds:.0f}/s" for each, count in frames.most_common(_TOLD))
        more = f" and {len(frames) - _TOLD} more" if len(frames) > _TOLD else ""
        trailers = f", {kinds['signed']} signed" if kinds["signed"] else ""
        own = own_host and all(each.rpartition(":")[0].strip("[]") == own_host for each in frames)
        here = " (this machine's own)" if own else ""
        detail = f"{plural(len(frames), 'unit')}{here}: {told}{more}{trailers}{bad}"
        return Finding(name, OK, detail, "", False, found)
