"""The C++ of the forms of a step: the short one for a vector, and the whole one for a few units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, final

from ..expression import Node
from ..writer import TYPES, Writer
from .forms import Forms
from .halves import Halves


class _Aside(NamedTuple):
    """A value of a unit that the whole form is given: its name there, how it is put aside, and its kind."""

    name: str
    put: str
    kind: str


@final
class FormSource:
    """Writes forms.

    Args:
        halves: A step, and its derivative.
        single: Whether numbers are float32, or float64.
    """

    def __init__(self, halves: Halves, single: bool) -> None:
        self._halves, self._single = halves, single
        self._states, self._numbers = list(halves.step.states), list(halves.adjoint)
        self._kinds = [TYPES[node.type] for node in halves.step.states.values()]

    def hoisted(self) -> tuple[list[str], dict[Node, str]]:
        """How what does not change is declared, and what it is called."""
        declared, known = [], {}
        for k, (node, is_shared) in enumerate(self._halves.hoisted.items()):
            kind = TYPES[node.type]
            if is_shared:
                declared.append(f"    const {kind} h{k} = *(const {kind} *)h[{k}];")
            else:
                declared.append(f"    const {kind} *const H{k} = (const {kind} *)h[{k}];")
            known[node] = f"h{k}" if is_shared else f"H{k}[i]"
        return declared, known

    def reads(self) -> dict[str, str]:
        """What is read -> how."""
        reads = {f"s_{name}": f"s{k}" for k, name in enumerate(self._states)}
        reads |= {f"x_{name}": f"x{k}" for k, name in enumerate(self._halves.step.inputs)}
        reads |= {f"c_{name}": f"c{k}" for k, name in enumerate(self._numbers)}
        return {**reads, "o_out": "o"}

    def formed(self, name: str, forms: Forms, kinds: Sequence[str], known: Mapping[Node, str]) -> list[str]:
        """Results ``e0``, ``e1``, ... by the shortest form that holds for all units of a vector.

        The units for which the whole one has to be taken are put aside, side by side.
        """
        pad, writer = " " * 12, Writer(self._single, self.reads(), known)
        spiked = [] if forms.spiked is None else [forms.spiked]
        ends = [f"e{k} * 0" for k, kind in enumerate(kinds) if kind == "vreal" and forms.ends]
        lines = writer.lines([*forms.assumed, *forms.usual, *spiked], pad)
        check = " + ".join([*(f"{writer.name(node)} * 0" for node in forms.assumed), *ends])
        lines += [f"{pad}e{k} = {writer.name(node)};" for k, node in enumerate(forms.usual)]
        for node in spiked:
            lines += [
                f"{pad}if (UNLIKELY(lanes_of({writer.name(node)}))) {{",
                *writer.lines(forms.finite, pad + "    "),
                *(f"{pad}    e{k} = {writer.name(end)};" for k, end in enumerate(forms.finite)),
                f"{pad}}}",
            ]
        if forms.looks:
            lines.append(f"{pad}odd = lanes_of(rb_ne({check}, splat(0)));")
        declared = [f"        {kind} e{k};" for k, kind in enumerate(kinds)]
        found = [*declared, "        uint32_t odd = 0;", "        {", *lines, "        }"]
        if forms.looks:
            given = [each.put for each in self.given(name)]
            found += [
                "        if (UNLIKELY(odd)) {",
                f"            const vreal given[] = {{{', '.join(given)}}};",
                f"            aside = put_aside(rare, aside, odd, given, {len(given)}, i * LANES);",
                "        }",
            ]
        return found

    def given(self, name: str) -> list[_Aside]:
        """What the whole form is given of a unit."""
        found = [_Aside(f"x{k}", f"x{k}", "vreal") for k in range(len(self._halves.step.inputs))]
        found += [_Aside(f"s{k}", f"packed(s{k})", kind) for k, kind in enumerate(self._kinds)]
        if name == "backward":
            found += [_Aside(f"c{k}", f"c{k}", "vreal") for k in range(len(self._numbers))]
            found.append(_Aside("o", "o", "vreal"))
        each = enumerate(self._halves.hoisted.items())
        return found + [
            _Aside(f"w{k}", f"packed(H{k}[i])", TYPES[node.type])
            for k, (node, is_shared) in each
            if not is_shared
        ]

    def wholly(self, name: str, forms: Forms, stores: Iterable[str], rows: Iterable[str]) -> list[str]:
        """The whole form of the units that were put aside."""
        if not forms.looks:
            return []
        return [
            "    for (int64_t j = 0; j < aside; j += LANES) {",
            f"        vreal e_of[{len(forms.whole)}];",
            f"        whole_{name}(h, rare, j, e_of);",
            "        for (int64_t q = 0; q < LANES && j + q < aside; q++) {",
            "            const int64_t lane = rare->lane[j + q];",
            *(f"            {line}" for line in stores),
            "        }",
            "    }",
            "    for (int64_t j = 0; j < aside; j++) {",
            "        const int64_t i = rare->lane[j] / LANES, there = full ? LANES : count - i * LANES;",
            "        if (j + 1 < aside && rare->lane[j + 1] / LANES == i) continue;",
            "        (void)there;",
            *(f"        {line}" for line in rows),
            "    }",
        ]

    def whole(self, name: str, forms: Forms) -> str:
        """The whole form of a vector's units, where it may be asked for."""
        if not forms.looks:
            return ""
        declared, known = self.hoisted()
        declared = [line for line in declared if " *const H" not in line]
        read = [
            f"    const {kind} {name} = unpacked_{kind}(aside_at(rare, {place}, j));"
            for place, (name, _, kind) in enumerate(self.given(name))
        ]
        known = {node: name.replace("H", "w").replace("[i]", "") for node, name in known.items()}
        writer = Writer(self._single, self.reads(), known)
        return function_of(
            f"void whole_{name}(void *const *h, const Rare *rare, int64_t j, vreal *e_of)",
            [
                *declared,
                *read,
                *writer.lines(forms.whole, "    "),
                *(f"    e_of[{k}] = packed({writer.name(node)});" for k, node in enumerate(forms.whole)),
            ],
        )


def function_of(head: str, body: Iterable[str]) -> str:
    """A function of its own."""
    return "\n".join([f"static NOINLINE {head} {{", *body, "}", ""])
