"""The C++ of the loop: a block of units through all steps of a call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .cost import cost_of
from .expression import Node
from .writer import TYPES, Writer, beside

if TYPE_CHECKING:
    from .source import Source

_LITTLE = 8
"""The cost of a reset that is done to all units, in additions."""

_INDENT = " " * 12


def loop_of(source: Source) -> str:
    """The function ``steps``.

    Args:
        source: The file that it is a part of.
    """
    return _Loop(source).text()


class _Loop:
    def __init__(self, source: Source) -> None:
        self.source, split = source, source.split
        self.kinds = [TYPES[source.step.states[name].type] for name in source.names]
        self.usual = [split.usual[name] for name in source.names]
        self.finite = [split.finite[name] for name in source.names]
        self.conditions = [] if split.spiked is None else [split.spiked]
        # A reset that takes little is done to all, spike or not; another waits for a spike.
        with_reset, without = (
            cost_of([*states, *self.conditions], source.hoisted) for states in (self.finite, self.usual)
        )
        self.waits = with_reset - without > _LITTLE
        self.given = [
            f"x{k}" if name in source.varying else "(vreal){}" for k, name in enumerate(source.step.inputs)
        ]
        self.varying = [k for k, name in enumerate(source.step.inputs) if name in source.varying]

    def text(self) -> str:
        """The function."""
        declared, known = self._hoisted()
        reads = {f"s_{name}": f"s{k}" for k, name in enumerate(self.source.names)}
        reads |= {f"x_{self.source.step.inputs[k]}": f"x{k}" for k in self.varying}
        writer = Writer(self.source.single, reads, known)
        usual = [*self._loads(), *self._usual(writer)]
        each = range(self.source.together)
        return "\n".join(
            [
                "static NOINLINE int steps(Work *w, Call *call) {",
                *(
                    f"    {kind} *__restrict__ S{k} = ({kind} *)w->s[{k}];"
                    for k, kind in enumerate(self.kinds)
                ),
                *declared,
                "    const int64_t vectors = (w->count + LANES - 1) / LANES;",
                "    for (int64_t step = 0; step < call->steps; step++) {",
                "        if (call->noise) before_step(w, call, step);",
                *(
                    f"        const real *const X{k} = w->x[{k}], *N{k} = X{k} + call->step_strides[{k}];"
                    for k in self.varying
                ),
                "        for (int64_t i = 0; i < vectors; i += TOGETHER) {",
                f"{_INDENT}const int64_t there = w->count - i * LANES;",
                f"{_INDENT}(void)there;",
                *(beside(line, u) for line in usual for u in each),
                *self._who(writer),
                *self._reset(writer),
                f"{_INDENT}const vreal checked = {' + '.join(beside('check', u) for u in each)};",
                f"{_INDENT}if (UNLIKELY(lanes_of(rb_ne(checked, splat(0))))) {{",
                *(beside(line, u).replace("place", str(u)) for u in each for line in self._odd()),
                f"{_INDENT}}}",
                *(beside(f"{_INDENT}S{k}[i] = n{k};", u) for k in range(len(self.kinds)) for u in each),
                *([f"{_INDENT}w->who[i / TOGETHER] = who;"] if self.conditions else []),
                "        }",
                *(["        if (!note_step(w, call, step)) return 1;"] if self.conditions else []),
                "        if (!after_step(w, call, step)) return 1;",
                "    }",
                "    return 0;",
                "}",
                "",
            ]
        )

    def _hoisted(self) -> tuple[list[str], dict[Node, str]]:
        """What does not change in a run: how it is declared before the loop, and called in it."""
        declared, known = [], {}
        for k, (node, each) in enumerate(self.source.hoisted.items()):
            kind = TYPES[node.type]
            if each.shared:
                declared.append(f"    const {kind} h{k} = *(const {kind} *)w->h[{k}];")
            else:
                declared.append(f"    const {kind} *__restrict__ H{k} = (const {kind} *)w->h[{k}];")
            known[node] = f"h{k}" if each.shared else f"H{k}[i]"
        return declared, known

    def _loads(self) -> list[str]:
        lines = [f"{_INDENT}const {kind} s{k} = S{k}[i];" for k, kind in enumerate(self.kinds)]
        for k in self.varying:
            lines.append(f"{_INDENT}const vreal x{k} = load_some(X{k}, i * LANES, w->xw[{k}], there);")
            # Rows lie far apart: the machine does not see where the next one is.
            lines.append(f"{_INDENT}__builtin_prefetch(N{k} + i * LANES * w->xw[{k}]);")
        return lines

    def _usual(self, writer: Writer) -> list[str]:
        """The step where nothing happens, or with a reset that is done to all; and whether it is odd."""
        after = self.usual if self.waits else self.finite
        looked = _looked([*self.source.split.assumed, *self.usual])
        lines = writer.lines([*looked, *after, *self.conditions], _INDENT)
        # A number less itself is zero just where it is finite.
        numbers = [*map(writer.name, looked), *(f"x{k}" for k in self.varying)]
        check = " + ".join(f"({number} - {number})" for number in numbers) or "splat(0)"
        lines.append(f"{_INDENT}vreal check = {check};")
        return lines + [
            f"{_INDENT}{kind} n{k} = {writer.name(after[k])};" for k, kind in enumerate(self.kinds)
        ]

    def _who(self, writer: Writer) -> list[str]:
        """Who spikes, a bit for each unit."""
        if not self.conditions:
            return [f"{_INDENT}uint64_t who = 0;"]
        bits = f"(uint64_t)lanes_of({writer.name(self.conditions[0])}) << "
        each = [beside(bits, u) + f"{u} * LANES" for u in range(self.source.together)]
        return [f"{_INDENT}uint64_t who = {' | '.join(each)};"]

    def _reset(self, writer: Writer) -> list[str]:
        """The states of those who spike, where their reset waits for that."""
        if not self.waits:
            return []
        lines = [
            f"{_INDENT}    if (lanes_of({writer.name(self.conditions[0])})) {{",
            *writer.lines(self.finite, _INDENT + "        "),
            *(f"{_INDENT}        n{k} = {writer.name(node)};" for k, node in enumerate(self.finite)),
            f"{_INDENT}    }}",
        ]
        every = [beside(line, u) for u in range(self.source.together) for line in lines]
        return [f"{_INDENT}if (UNLIKELY(who)) {{", *every, f"{_INDENT}}}"]

    def _odd(self) -> list[str]:
        """A vector in which something is not finite takes the step without assumptions."""
        return [
            f"{_INDENT}    if (lanes_of(rb_ne(check, splat(0)))) {{",
            f"{_INDENT}        const uint32_t valid = valid_of(there);",
            f"{_INDENT}        const vreal x[INPUTS + 1] = {{{', '.join(self.given) or '(vreal){}'}}};",
            f"{_INDENT}        vreal n[STATES + 1];",
            f"{_INDENT}        const uint64_t bits = whole(w, i, x, n);",
            f"{_INDENT}        if (!all_finite(n, x, valid)) return failed(call, step);",
            f"{_INDENT}        who = (who & ~((uint64_t)ALL << place * LANES)) | bits << place * LANES;",
            *(f"{_INDENT}        n{k} = unpacked_{kind}(n[{k}]);" for k, kind in enumerate(self.kinds)),
            f"{_INDENT}    }}",
        ]


def _looked(nodes: Iterable[Node]) -> list[Node]:
    """The numbers to look at, so that all of them are finite."""
    looked = dict.fromkeys(node for node in nodes if node.type == "f")
    chosen = [node for node in looked if node.operation == "where"]
    for node in chosen:
        # What is selected is finite if both choices are; states were at the end of the last step.
        if all(part in looked or _is_state(part) for part in node.parts[1:]):
            del looked[node]
    return list(looked)


def _is_state(node: Node) -> bool:
    return node.operation == "read" and str(node.value).startswith("s_")
