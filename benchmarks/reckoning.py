"""Own position between fixes against the truth: what each frame tells of its own time, 1 Hz fixes, 60 km/h."""

import sys
from pathlib import Path

from common import Row

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from truthtools import Course, driven

NAME = "Own position between fixes"
STRAIGHT = [(60, 60, 0)]
BENDS = [leg for _ in range(6) for leg in ((4, 60, 0), (6, 60, 10), (4, 60, 0), (6, 60, -10))]  # 0.3 g either way
SUBJECTS = (
    ("the fix repeated, no CAN", {"can": False}),
    ("CAN speed", {}),
    ("CAN speed and yaw rate", {"yaw": True}),
    ("CAN speed and yaw rate, its drift 1 degree/s not learned", {"yaw": True, "drift": 1.0}),
)


def rows() -> list[Row]:
    """Mean and greatest error over the frames, each 100 ms; the receiver's own error is 0 or has a sigma of 2 m."""
    out = []
    for road, legs in (("straight", STRAIGHT), ("bends of 10 degrees/s", BENDS)):
        for noise_m in (0.0, 2.0):
            for name, how in SUBJECTS:
                told = driven(Course(legs), noise_m=noise_m, **how)
                errors = sorted(one.error_m for one in told if one.t_ms >= 2000)
                covered = sum(one.error_m <= one.sent_error_m for one in told if one.t_ms >= 2000) / len(errors)
                receiver = f", receiver {noise_m:g} m" if noise_m else ""
                note = f"95 %: {errors[len(errors) * 95 // 100]:.2f} m, most {errors[-1]:.2f} m"
                if not noise_m:
                    note += f"; inside the sent error: {covered:.0%}"
                out.append(Row(f"{road}{receiver}: {name}", sum(errors) / len(errors), "m", note=note))
    return out
