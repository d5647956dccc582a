"""The Triton of a kernel: the formulas of a step, in a Python module that Triton reads.

A program takes a block of units through all steps of a call. Their states stay in registers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from .expression import ordered
from .hoisting import hoisted
from .specialise import Split
from .tracing import Step
from .triton_formulas import Formulas, all_finite


def triton_source_of(step: Step, split: Split, *, single: bool, constant: frozenset[str]) -> str:
    """The whole module; its function ``kernel`` is the kernel.

    The arguments of ``kernel``, in order:

    - ``s0``, ``n0``, ...: for each state where it is read, and where it is written at the end;
    - ``p0``, ...: each parameter, one number if units share it, else one for each unit;
    - ``x0``, ``xs0``, ``xr0``, ``xu0``, ...: each input, and its strides of step, of batch row and of unit;
    - ``t0``, ...: for each state its trace ``[steps // every, lanes]``, or None;
    - ``raster``, or None, and ``spiked``: uint8, in which those become 1 who spiked in the steps of the
      traces, and in the last step;
    - ``events``: int64, ``step * lanes + lane`` of each spike, in any order; those beyond ``room`` are
      counted and not written;
    - ``words``: int64, two of them: the number of spikes, from 0; the first step after which something is not
      finite, from ``steps``;
    - ``lanes``, ``units``, ``steps``, ``every``, ``room``: how many there are.

    Args:
        step: The step.
        split: Its usual and rare forms.
        single: Whether numbers are float32, or float64.
        constant: The inputs that do not change in a run.

    Raises:
        Refusal: If an operation has no form in Triton.
    """
    return _Source(step, split, single, constant).text()


_HEAD = '''"""Many steps of many units."""

import triton
import triton.language as tl

if triton.knobs.runtime.interpret:
    # The interpreter has none of NVIDIA's functions.
    from rheobase_fused import triton_interpreted as libdevice
else:
    from triton.language.extra import libdevice

'''


class _Source:
    def __init__(self, step: Step, split: Split, single: bool, constant: frozenset[str]) -> None:
        self.step, self.split, self.single = step, split, single
        self.names = list(step.states)
        self.varying = [k for k, name in enumerate(step.inputs) if name not in constant]
        roots = [*split.finite.values(), *split.assumed, *step.states.values()]
        roots += [node for node in (split.spiked, step.spiked) if node is not None]
        still = hoisted(roots, step, constant)
        self.writer = Formulas(single)
        self.before = [*still, *(node for node in ordered(roots) if node.operation == "constant")]

    def text(self) -> str:
        arguments = [*self._pointers(), "lanes", "units", "steps", "every", "room"]
        return "\n".join(
            [
                _HEAD,
                # One compilation serves all lengths, strides and addresses.
                "@triton.jit(do_not_specialize=[",
                *_wrapped(f"'{name}'" for name in arguments),
                "])",
                "def kernel(",
                *_wrapped([*arguments, "BLOCK: tl.constexpr"]),
                "):",
                *_indented(self._begin(), 1),
                "    for _ in range(steps):",
                *_indented(self._step(), 2),
                *_indented(self._end(), 1),
                "",
            ]
        )

    def _pointers(self) -> list[str]:
        states, step = range(len(self.names)), self.step
        return [
            *(f"{letter}{k}" for k in states for letter in "sn"),
            *(f"p{k}" for k in range(len(step.params))),
            *(f"{part}{k}" for k in range(len(step.inputs)) for part in ("x", "xs", "xr", "xu")),
            *(f"t{k}" for k in states),
            *("raster", "spiked", "events", "words"),
        ]

    # --- parts -------------------------------------------------------------------------------------

    def _begin(self) -> list[str]:
        """Where the block is, its states, and what does not change in a run."""
        step, reads = self.step, {}
        for k, name in enumerate(step.params):
            one = f"tl.broadcast_to(tl.load(p{k}), [BLOCK])"
            reads[f"p_{name}"] = one if name in step.uniform else f"tl.load(p{k} + unit)"
        for k, name in enumerate(step.inputs):
            reads[f"x_{name}"] = f"tl.load(x{k} + i{k})"
        return [
            "lane = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)",
            "there = lane < lanes",
            "# Lanes that are not there do as the last.",
            "at = tl.where(there, lane, lanes - 1)",
            "row = at // units",
            "unit = at - row * units",
            *(f"i{k} = row * xr{k} + unit * xu{k}" for k in range(len(step.inputs))),
            *(
                f"a{k} = tl.load(s{k} + at)" + (" != 0" if step.states[name].type == "b" else "")
                for k, name in enumerate(self.names)
            ),
            *self.writer.lines(self.before, reads),
            "step = tl.full((), 0, tl.int64)",
            "kept = tl.full((), 0, tl.int64)",
            "left = every",
        ]

    def _step(self) -> list[str]:
        """A step: all lanes as if all were finite; and what is rare, where it is."""
        step, split, writer = self.step, self.split, self.writer
        reads = {f"s_{name}": f"a{k}" for k, name in enumerate(self.names)}
        reads |= {f"x_{step.inputs[k]}": f"y{k}" for k in self.varying}
        loads = [line for k in self.varying for line in (f"y{k} = tl.load(x{k} + i{k})", f"x{k} += xs{k}")]
        finite = [split.finite[name] for name in self.names]
        looked = [*split.assumed, *(node for node in finite if node.type == "f")]
        conditions = [] if split.spiked is None else [split.spiked]
        formulas = writer.lines([*finite, *looked, *conditions], reads)
        numbers = list(dict.fromkeys([*map(writer.name, looked), *(f"y{k}" for k in self.varying)]))
        rare = "odd" if split.spiked is None else "odd | hit"
        return [
            *loads,
            *formulas,
            *(f"b{k} = {writer.name(node)}" for k, node in enumerate(finite)),
            *(f"hit = {writer.name(node)}" for node in conditions),
            f"odd = ~({all_finite(numbers)})",
            "left -= 1",
            f"if tl.max(({rare}).to(tl.int32), axis=0) != 0:",
            *_indented(self._rare(reads), 1),
            *(f"a{k} = b{k}" for k in range(len(finite))),
            "if left == 0:",
            *_indented(self._traces(), 1),
            "    kept += lanes",
            "    left = every",
            "step += 1",
        ]

    def _rare(self, reads: Mapping[str, str]) -> list[str]:
        """What is done in a step in which a lane of the block spikes, or is not finite."""
        step, writer = self.step, self.writer
        whole = [step.states[name] for name in self.names]
        conditions = [] if step.spiked is None else [step.spiked]
        formulas = writer.lines([*whole, *conditions], reads)
        checked = [f"b{k}" for k, node in enumerate(whole) if node.type == "f"]
        checked += [f"y{k}" for k in self.varying]
        lines = [
            "if tl.max(odd.to(tl.int32), axis=0) != 0:",
            *_indented(
                [
                    *formulas,
                    *(f"b{k} = tl.where(odd, {writer.name(node)}, b{k})" for k, node in enumerate(whole)),
                    *(f"hit = tl.where(odd, {writer.name(node)}, hit)" for node in conditions),
                    f"bad = there & ~({all_finite(checked)})",
                    "first = tl.broadcast_to(step, [BLOCK])",
                    "tl.atomic_min(words + tl.full([BLOCK], 1, tl.int32), first, bad, sem='relaxed')",
                ],
                1,
            ),
        ]
        if not conditions:
            return lines
        return [
            *lines,
            "who = hit & there",
            "one = tl.full([BLOCK], 1, tl.int64)",
            "place = tl.atomic_add(words + tl.full([BLOCK], 0, tl.int32), one, who, sem='relaxed')",
            "tl.store(events + place, step * lanes + lane, who & (place < room))",
            "if raster is not None:",
            "    if left == 0:",
            "        tl.store(raster + kept + lane, one.to(tl.uint8), who)",
            "if step == steps - 1:",
            "    tl.store(spiked + lane, one.to(tl.uint8), who)",
        ]

    def _traces(self) -> list[str]:
        """The states, to those traces that there are."""
        lines = []
        for k in range(len(self.names)):
            lines += [f"if t{k} is not None:", f"    tl.store(t{k} + kept + lane, a{k}, there)"]
        return lines

    def _end(self) -> list[str]:
        """The states, to where they are written."""
        as_bytes = [".to(tl.uint8)" if node.type == "b" else "" for node in self.step.states.values()]
        return [f"tl.store(n{k} + lane, a{k}{cast}, there)" for k, cast in enumerate(as_bytes)]


def _wrapped(items: Iterable[str]) -> list[str]:
    return textwrap.fill(", ".join(items), 100, initial_indent="    ", subsequent_indent="    ").split("\n")


def _indented(lines: Iterable[str], depth: int) -> list[str]:
    return [f"{' ' * (4 * depth)}{line}" for line in lines]
