"""Who takes part in throughput.py, in which environment, and with which method for each model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.environment import CONSTRAINTS, environment
from support.throughput_task import DRIVES, DTYPES, Case

SAME = ""
"""The method of Rheobase: Runge-Kutta of order 4, and spikes that must agree with its own."""


@dataclass(frozen=True)
class Entry:
    """A contestant.

    Attributes:
        name: Its name in the table.
        module: The worker's module, below ``contestants``.
        methods: The models that it runs -> how, where that is another method than ``SAME``.
        how: The way it is asked to take, for the worker.
        requirements: What its environment holds; empty: the worker runs in this environment.
        unconstrained: Distributions whose version is not that of ``constraints.txt``.
        dtypes: What it computes in.
        stands_in: Whether what it computes in one dtype is also shown in the table of the other.
        drives: The drives that it can take.
        reasons: Model, dtype or drive -> why it does not run that.
    """

    name: str
    module: str
    methods: Mapping[str, str]
    how: str = ""
    requirements: tuple[str, ...] = ()
    unconstrained: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = DTYPES
    stands_in: bool = False
    drives: tuple[str, ...] = DRIVES
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def peer(self) -> bool:
        """Whether it is another simulator."""
        return bool(self.requirements)

    def refusal(self, case: Case) -> str:
        """Why it does not run a case; empty: it does."""
        if case.model not in self.methods:
            return self.reasons.get(case.model, f"has no {case.model}")
        if case.drive not in self.drives:
            return self.reasons[case.drive]
        if case.dtype not in self.dtypes and not self.stands_in:
            return self.reasons[case.dtype]
        return ""

    def task(self, case: Case) -> Case:
        """The case as the worker gets it."""
        return case.but(how=self.how)

    def note(self, case: Case) -> str:
        """What is different from the line's label."""
        other = "" if case.dtype in self.dtypes else f"in {self.dtypes[0]}"
        return ", ".join(part for part in (self.methods[case.model], other) if part)

    def python(self, cache: Path) -> tuple[str, str]:
        """The interpreter of its environment, which is made if it is not there; or why there is none."""
        if not self.requirements:
            return sys.executable, ""
        try:
            return environment(self.requirements, cache, self._constraints(cache)), ""
        except subprocess.CalledProcessError:
            return "", f"pip could not install {' '.join(self.requirements)}"

    def _constraints(self, cache: Path) -> Path:
        if not self.unconstrained:
            return CONSTRAINTS
        lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [
            line for line in lines if not line.startswith(tuple(f"{name}==" for name in self.unconstrained))
        ]
        cache.mkdir(parents=True, exist_ok=True)
        path = cache / f"constraints-without-{'-'.join(self.unconstrained)}.txt"
        path.write_text("".join(kept), encoding="utf-8")
        return path


EVERY = {"lif": SAME, "izhikevich": SAME, "hh": SAME, "adex": SAME}
AT_END = "RK4, reset at the end of the step"
EULER = "Euler"
BRIAN2 = {"lif": AT_END, "izhikevich": AT_END, "hh": "RK4", "adex": f"{AT_END}, exponent clipped"}
ONE_THREAD = {model: f"{method}, one thread" for model, method in BRIAN2.items()}
BRIAN2_NEEDS = ("brian2==2.9.0", "numpy<2.4", "cython", "setuptools")

ENTRIES = (
    Entry("rheobase eager", "throughput_rheobase", EVERY, how="eager"),
    Entry("rheobase fused", "throughput_rheobase", EVERY, how="fused"),
    Entry("hand-written C++", "throughput_handwritten", EVERY),
    Entry("the same, reciprocals", "throughput_handwritten", EVERY, how="reciprocals"),
    Entry(
        "brian2 C++",
        "throughput_brian2",
        BRIAN2,
        how="standalone",
        requirements=BRIAN2_NEEDS,
        unconstrained=("numpy",),
    ),
    Entry(
        "brian2 cython",
        "throughput_brian2",
        ONE_THREAD,
        how="cython",
        requirements=BRIAN2_NEEDS,
        unconstrained=("numpy",),
    ),
    Entry(
        "nest",
        "throughput_nest",
        {"lif": "exact propagator", "izhikevich": EULER, "hh": "adaptive RKF45", "adex": "adaptive RKF45"},
        requirements=("nest-simulator==3.10.0", "numpy"),
        dtypes=("float64",),
        stands_in=True,
        drives=("constant",),
        reasons={"full": "takes a current for each step by a generator for each unit only"},
    ),
    Entry(
        "snntorch",
        "throughput_snntorch",
        {"lif": "decay factor, no refractory period, reset a step late"},
        requirements=("torch", "numpy", "snntorch==1.0.0"),
    ),
    Entry(
        "norse",
        "throughput_norse",
        {"lif": f"{EULER}, no refractory period", "izhikevich": EULER},
        requirements=("torch", "numpy", "norse==1.1.0"),
        reasons={"adex": "its AdEx has one voltage for V_T and V_peak, so no upstroke"},
    ),
    Entry(
        "spikingjelly",
        "throughput_spikingjelly",
        {"lif": f"{EULER}, no refractory period", "izhikevich": EULER},
        requirements=("torch", "numpy", "spikingjelly==2.0.0"),
    ),
    Entry(
        "sapicore",
        "throughput_sapicore",
        {"lif": "RK4, spikes a step late"},
        requirements=("torch", "sapicore==0.4.1"),
        dtypes=("float32",),
        reasons={
            "izhikevich": "integrates each equation by itself, the other held",
            "float64": "its parameters are float32",
        },
    ),
)
