"""The C++ of a kernel: the formulas of a step, between ``support.h`` and ``frame.cpp``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from .cost import cost_of
from .expression import Node
from .hoisting import hoisted
from .loop_source import loop_of
from .specialise import Split
from .tracing import Step
from .writer import TYPES, Writer

_FIRST_CACHE = 24 * 1024
"""Bytes of the first cache that a block of units may take."""

_SHORT = 400
"""The cost of a short step, in additions."""


def source_of(step: Step, split: Split, *, single: bool, constant: frozenset[str]) -> str:
    """The whole file.

    Args:
        step: The step.
        split: Its usual and rare forms.
        single: Whether numbers are float32, or float64.
        constant: The inputs that do not change in a run.
    """
    return Source(step, split, single, constant).text()


class Source:
    """Writes the source of a kernel.

    Args:
        step: The step.
        split: Its usual and rare forms.
        single: Whether numbers are float32.
        constant: The inputs that do not change in a run.
    """

    def __init__(self, step: Step, split: Split, single: bool, constant: frozenset[str]) -> None:
        self.step, self.split, self.single = step, split, single
        self.names = list(step.states)
        self.varying = [k for k, name in enumerate(step.inputs) if name not in constant]
        roots = [*split.usual.values(), *split.finite.values(), *split.assumed, *step.states.values()]
        roots += [node for node in (split.spiked, step.spiked) if node is not None]
        self.hoisted = hoisted(roots, step, constant)

    def text(self) -> str:
        """The whole file."""
        step, folder = self.step, files(__package__)
        wide = sum(not shared for shared in self.hoisted.values())
        # Of what varies, the row of this step and that of the next, which is fetched meanwhile.
        arrays = len(self.names) + wide + 2 * len(self.varying) + self.extra
        block = 2048
        while block > 128 and arrays * block * (4 if self.single else 8) > _FIRST_CACHE:
            block //= 2
        kinds = ", ".join({"f": "0", "b": "1", "i": "2"}[step.states[name].type] for name in self.names)
        shared = ", ".join(str(int(each)) for each in self.hoisted.values())
        return "\n".join(
            [
                f"#define SINGLE {int(self.single)}",
                *(
                    folder.joinpath(name).read_text(encoding="utf-8")
                    for name in ("support.h", "conditions.h")
                ),
                f"#define BLOCK {block}",
                f"#define STATES {len(self.names)}",
                f"#define PARAMS {len(step.params)}",
                f"#define INPUTS {len(step.inputs)}",
                f"#define HOISTED {len(self.hoisted)}",
                f"#define EXTRA {self.extra}",
                f"#define TOGETHER {self.together}",
                f"static const int kinds[STATES + 1] = {{{kinds}}};",
                f"static const int shared[HOISTED + 1] = {{{shared}}};",
                *(
                    folder.joinpath(name).read_text(encoding="utf-8")
                    for name in ("noise.h", "frame.h", "states.h", "threads.h")
                ),
                self._prepare(),
                self._whole(),
                self.loop(),
                folder.joinpath("frame.cpp").read_text(encoding="utf-8"),
            ]
        )

    @property
    def together(self) -> int:
        """How many vectors are worked on side by side: a step of one is a chain of operations that wait.

        A power of two. Long steps fill the machine with fewer, and their source is long enough.
        """
        return 4 if cost_of(self.usual_states().values(), self.hoisted) <= _SHORT else 2

    def usual_states(self) -> Mapping[str, Node]:
        """The states after a usual step."""
        return self.split.usual

    @property
    def extra(self) -> int:
        """Further arrays of a number for each unit of a block."""
        return 0

    # --- functions ---------------------------------------------------------------------------------

    def _prepare(self) -> str:
        """What does not change in a run, worked out once for a block."""
        reads = {
            f"p_{name}": f"load_some(p[{k}], i * LANES, pw[{k}], there)"
            for k, name in enumerate(self.step.params)
        }
        reads |= {
            f"x_{name}": f"load_some(x[{k}], i * LANES, xw[{k}], there)"
            for k, name in enumerate(self.step.inputs)
        }
        writer = Writer(self.single, reads, {})
        lines = []
        for width, last in ((True, "1"), (False, "vectors")):
            chosen = [
                (place, node)
                for place, (node, is_shared) in enumerate(self.hoisted.items())
                if is_shared == width
            ]
            writer.forget()
            body = writer.lines([node for _, node in chosen], "        ")
            lines += [
                f"    for (int64_t i = 0; i < {last}; i++) {{",
                "        const int64_t there = count - i * LANES;",
                "        (void)there;",
                *body,
                *(f"        (({TYPES[node.type]} *)h[{k}])[i] = {writer.name(node)};" for k, node in chosen),
                "    }",
            ]
        return "\n".join(
            [
                "static NOINLINE void prepare(int64_t count, const real **p, const int64_t *pw,",
                "                             const real **x, const int64_t *xw, void **h) {",
                "    const int64_t vectors = PADDED(count) / LANES;",
                *lines,
                "}",
                "",
            ]
        )

    def _whole(self) -> str:
        """The step without assumptions."""
        reads = {
            f"s_{name}": f"(({TYPES[self.step.states[name].type]} *)w->s[{k}])[i]"
            for k, name in enumerate(self.names)
        }
        reads |= {f"x_{name}": f"x[{k}]" for k, name in enumerate(self.step.inputs)}
        writer = Writer(self.single, reads, self.outside())
        roots = [*self.step.states.values(), *([] if self.step.spiked is None else [self.step.spiked])]
        body = writer.lines(roots, "    ")
        spiked = "0" if self.step.spiked is None else f"lanes_of({writer.name(self.step.spiked)})"
        return "\n".join(
            [
                "static NOINLINE uint32_t whole(const Work *w, int64_t i, const vreal *x, vreal *n) {",
                *body,
                *(
                    f"    n[{k}] = packed({writer.name(self.step.states[name])});"
                    for k, name in enumerate(self.names)
                ),
                f"    return {spiked};",
                "}",
                "",
            ]
        )

    def outside(self) -> dict[Node, str]:
        """How what does not change in a run is called outside of the loop."""
        return {
            node: f"(({TYPES[node.type]} *)w->h[{k}])[{'0' if is_shared else 'i'}]"
            for k, (node, is_shared) in enumerate(self.hoisted.items())
        }

    def loop(self) -> str:
        """The function that takes a block through all steps of a call."""
        return loop_of(self)
