"""The oracle's demands against what the unit told."""

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from traffic.drivers import traffic
from traffic.oracle import Demand, Oracle
from traffic.radio import Quality
from traffic.unitrun import UnitRun, run_unit

FRAME_S = 0.1  # transmission interval
SLACK_S = 0.05  # 0.01" of position, whole degrees, half a step of the oracle
PARALLEL = 2


@dataclass
class Verdict:
    """One ego, one quality."""

    ego: str
    demands: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    worst_s: float = -99.0  # the latest begin, against its demand
    begun: Counter[str] = field(default_factory=Counter)
    needless: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __str__(self) -> str:
        needless = ", ".join(f"{function} {why}: {count}" for (function, why), count in sorted(self.needless.items()))
        latest = f"latest {self.worst_s * 1000:+.0f} ms" if self.demands else "nothing to time"
        return (
            f"{self.ego}: demanded {dict(self.demands)}, {latest}; "
            f"begun {dict(self.begun)}; unnecessary: {needless or 'none'}"
        )


def judge(seed: int, number: int, quality: Quality) -> Verdict:
    """Run the unit of a vehicle and hold it against the oracle."""
    return verdict_of(seed, run_unit(seed, number, quality), quality)


def verdict_of(seed: int, run: UnitRun, quality: Quality) -> Verdict:
    """Hold what a unit did against the oracle."""
    ego = run.ego
    oracle, demands = asked(seed, ego.number, quality)
    verdict = Verdict(f"seed {seed} {quality.name} ego {ego.number} ({ego.kind})")
    if run.lost:
        verdict.faults.append(f"{run.lost} records lost")
    for demand in demands:
        deadline_s = _deadline_s(demand, run)
        if deadline_s < demand.end_s:
            verdict.demands[f"{demand.function} {demand.level}"] += 1
            verdict.worst_s = max(verdict.worst_s, _begun_s(demand, run) - demand.begin_s)
            fault = _fault(demand, deadline_s, run)
            if fault:
                verdict.faults.append(f"{verdict.ego}: {demand.function} level {demand.level} of {fault}")
    if not quality.poor:
        verdict.faults += _early(oracle, run)
    for function, target, said in run.begins():
        verdict.begun[function] += 1
        why = oracle.needless(function, target, said.t_ms / 1000)
        if why:
            verdict.needless[function, why] += 1
    return verdict


def _early(oracle: Oracle, run: UnitRun) -> list[str]:
    out = []
    for (function, target), told in run.told.items():
        level = 0
        for said in told if function in ("crossing", "right_turn", "left_turn") else ():
            if said.level > level and oracle.early(function, target, said.level, said.t_ms / 1000):
                out.append(f"{function} level {said.level} of {target} too early: {said}")
            level = said.level
    return out


@lru_cache(maxsize=8)
def asked(seed: int, number: int, quality: Quality) -> tuple[Oracle, tuple[Demand, ...]]:
    """The oracle for one ego, and its demands."""
    vehicles = traffic(seed).vehicles
    oracle = Oracle(next(one for one in vehicles if one.number == number), vehicles, quality)
    return oracle, tuple(oracle.demands())


def _deadline_s(demand: Demand, run: UnitRun) -> float:
    """A frame's time after the demand; where frames were lost, with the first that came."""
    frames = [t_ms / 1000 for t_ms in run.heard_ms[demand.target] if t_ms / 1000 >= demand.begin_s]
    return max(demand.begin_s + FRAME_S, frames[0] if frames else demand.end_s) + SLACK_S


def _begun_s(demand: Demand, run: UnitRun) -> float:
    """When the level in force at the end of the demand was reached."""
    since = -1e9
    for said in run.told.get((demand.function, demand.target), []):
        if said.t_ms / 1000 > demand.end_s:
            break
        if said.level >= demand.level and since < 0:
            since = said.t_ms / 1000
        elif said.level < demand.level and said.t_ms / 1000 < demand.begin_s:
            since = -1e9
    return since


def _fault(demand: Demand, deadline_s: float, run: UnitRun) -> str:
    """What is wrong between deadline and end; "" if nothing is."""
    t_s = deadline_s
    while t_s < demand.end_s:
        said = run.at(demand.function, demand.target, t_s * 1000)
        where = f"{demand.target}, demanded {demand.begin_s:.2f}..{demand.end_s:.2f} s, at {t_s:.2f} s"
        if said is None or said.level < demand.level:
            return f"{where}: {said}"
        if not said.presented:
            shown = run.presented(demand.level, t_s * 1000)
            same = demand.function == "emergency" and any(target == demand.target for _function, target in shown)
            if len(shown) < PARALLEL and not same:
                return f"{where}: not presented, beside {shown}: {said}"
        t_s += 0.1
    return ""
