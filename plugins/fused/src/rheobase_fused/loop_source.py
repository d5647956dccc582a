"""The C++ of the loop: a block of units through all steps of a call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .cost import cost_of
from .expression import Node
from .loop_parts import INDENT, check_of, declared_hoisted, declared_rows, loads
from .writer import TYPES, Writer, beside

if TYPE_CHECKING:
    from .source import Source

_LITTLE = 8
"""The cost of a reset that is done to all units, in additions."""


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

    def text(self) -> str:
        """The function."""
        varying = self.source.varying
        declared, known = declared_hoisted(self.source.hoisted, "*__restrict__")
        reads = {f"s_{name}": f"s{k}" for k, name in enumerate(self.source.names)}
        reads |= {f"x_{self.source.step.inputs[k]}": f"x{k}" for k in varying}
        writer = Writer(self.source.single, reads, known)
        usual = [*loads(self.kinds, varying), *self._usual(writer)]
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
                *declared_rows(varying),
                "        for (int64_t i = 0; i < vectors; i += TOGETHER) {",
                f"{INDENT}const int64_t there = w->count - i * LANES;",
                f"{INDENT}(void)there;",
                *(beside(line, u) for line in usual for u in each),
                *self._who(writer),
                *self._reset(writer),
                f"{INDENT}const vreal checked = {' + '.join(beside('check', u) for u in each)};",
                f"{INDENT}if (UNLIKELY(lanes_of(rb_ne(checked, splat(0))))) {{",
                *(beside(line, u).replace("place", str(u)) for u in each for line in self._odd()),
                f"{INDENT}}}",
                *(beside(f"{INDENT}S{k}[i] = n{k};", u) for k in range(len(self.kinds)) for u in each),
                *([f"{INDENT}w->who[i / TOGETHER] = who;"] if self.conditions else []),
                "        }",
                *(["        if (!note_step(w, call, step)) return 1;"] if self.conditions else []),
                "        if (!after_step(w, call, step)) return 1;",
                "    }",
                "    return 0;",
                "}",
                "",
            ]
        )

    def _usual(self, writer: Writer) -> list[str]:
        """The step where nothing happens, or with a reset that is done to all; and whether it is odd."""
        after = self.usual if self.waits else self.finite
        looked = _looked([*self.source.split.assumed, *self.usual])
        lines = writer.lines([*looked, *after, *self.conditions], INDENT)
        check = check_of(map(writer.name, looked), self.source.varying)
        lines.append(f"{INDENT}vreal check = {check};")
        return lines + [
            f"{INDENT}{kind} n{k} = {writer.name(after[k])};" for k, kind in enumerate(self.kinds)
        ]

    def _who(self, writer: Writer) -> list[str]:
        """Who spikes, a bit for each unit."""
        if not self.conditions:
            return [f"{INDENT}uint64_t who = 0;"]
        bits = f"(uint64_t)lanes_of({writer.name(self.conditions[0])}) << "
        each = [beside(bits, u) + f"{u} * LANES" for u in range(self.source.together)]
        return [f"{INDENT}uint64_t who = {' | '.join(each)};"]

    def _reset(self, writer: Writer) -> list[str]:
        """The states of those who spike, where their reset waits for that."""
        if not self.waits:
            return []
        lines = [
            f"{INDENT}    if (lanes_of({writer.name(self.conditions[0])})) {{",
            *writer.lines(self.finite, INDENT + "        "),
            *(f"{INDENT}        n{k} = {writer.name(node)};" for k, node in enumerate(self.finite)),
            f"{INDENT}    }}",
        ]
        every = [beside(line, u) for u in range(self.source.together) for line in lines]
        return [f"{INDENT}if (UNLIKELY(who)) {{", *every, f"{INDENT}}}"]

    def _given(self) -> str:
        """The inputs of a vector; those that do not change are read in other places."""
        given = [
            f"x{k}" if k in self.source.varying else "(vreal){}" for k in range(len(self.source.step.inputs))
        ]
        return ", ".join(given) or "(vreal){}"

    def _odd(self) -> list[str]:
        """A vector in which something is not finite takes the step without assumptions."""
        return [
            f"{INDENT}    if (lanes_of(rb_ne(check, splat(0)))) {{",
            f"{INDENT}        const uint32_t valid = valid_of(there);",
            f"{INDENT}        const vreal x[INPUTS + 1] = {{{self._given()}}};",
            f"{INDENT}        vreal n[STATES + 1];",
            f"{INDENT}        const uint64_t bits = whole(w, i, x, n);",
            f"{INDENT}        if (!all_finite(n, x, valid)) return failed(call, step);",
            f"{INDENT}        who = (who & ~((uint64_t)ALL << place * LANES)) | bits << place * LANES;",
            *(f"{INDENT}        n{k} = unpacked_{kind}(n[{k}]);" for k, kind in enumerate(self.kinds)),
            f"{INDENT}    }}",
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
