"""The C++ of a kernel that locates spikes: the usual step, and the parts that ``located.h`` puts together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files

from .expression import Node, ordered
from .hoisting import hoisted
from .located_tracing import Parts
from .located_usual import Usual
from .loop_parts import INDENT, check_of, declared_hoisted, declared_rows, loads
from .source import Source
from .tracing import Step
from .writer import TYPES, Writer, beside


def located_source_of(
    parts: Parts, usual: Usual, step: Step, *, single: bool, constant: frozenset[str]
) -> str:
    """The whole file.

    Args:
        parts: The parts of a step.
        usual: The usual step.
        step: It, as the caller of the kernel sees it.
        single: Whether numbers are float32, or float64.
        constant: The inputs that do not change in a run.
    """
    return _Located(parts, usual, step, single, constant).text()


class _Located(Source):
    def __init__(
        self, parts: Parts, usual: Usual, step: Step, single: bool, constant: frozenset[str]
    ) -> None:
        self.step, self.single = step, single
        self.names, self.parts = list(step.states), parts
        self.varying = [k for k, name in enumerate(step.inputs) if name not in constant]
        rare = [*parts.advance, *(parts.limited or ()), *parts.slope, *(parts.reset or ()), parts.gap]
        rare += [] if parts.tau_ref is None else [parts.tau_ref]
        hot = [*usual.states.values(), usual.odd, *usual.looked, *usual.before, *usual.after]
        self.usual = usual
        self.hoisted = hoisted([*hot, *rare], step, constant)
        self.carried = self._carried()

    def usual_states(self) -> Mapping[str, Node]:
        """See the base class."""
        return self.usual.states

    def _carried(self) -> list[int]:
        """The states whose derivatives at the end of a step are those at the start of the next."""
        changing = {f"x_{self.step.inputs[k]}" for k in self.varying}
        return [
            k
            for k, node in enumerate(self.usual.before)
            if node.operation not in ("read", "constant")
            and node not in self.hoisted
            and not any(part.operation == "read" and part.value in changing for part in ordered([node]))
        ]

    @property
    def extra(self) -> int:
        """A mark for each vector, and the derivatives that are carried on."""
        return 1 + len(self.carried)

    def _whole(self) -> str:
        """The parts, and what puts them together."""
        parts = self.parts
        switches = {
            "DECLARED": len(parts.names),
            "REFRACTORY": int(parts.tau_ref is not None),
            "ALL_HELD": int(parts.all_held),
            "RESETS": int(parts.reset is not None),
            "LIMITED": int(parts.limited is not None),
        }
        moving = "vreal t0, vreal t1, vbool resting, "
        inputs = "const vreal *x, "
        functions = [self._function("advance", inputs, moving, parts.advance)]
        if parts.limited is not None:
            functions.append(self._function("limited", inputs, moving, parts.limited))
        functions.append(self._function("slope", inputs, "", parts.slope))
        if parts.reset is not None:
            functions.append(self._function("reset", "", "", parts.reset))
        functions.append(self._number("gap", ", const vreal *y", parts.gap))
        if parts.tau_ref is not None:
            functions.append(self._number("tau_ref", "", parts.tau_ref))
        conditions = ", ".join(str(int(node.type == "b")) for node in self.hoisted)
        varying = ", ".join(str(int(k in self.varying)) for k in range(len(self.step.inputs)))
        return "\n".join(
            [
                *(f"#define {name} {value}" for name, value in switches.items()),
                f"static const int conditions[HOISTED + 1] = {{{conditions}}};",
                f"static const int varying[INPUTS + 1] = {{{varying}}};",
                f"#define DT {float(parts.dt).hex()}",
                *functions,
                self._carry(),
                files(__package__).joinpath("located.h").read_text(encoding="utf-8"),
            ]
        )

    def _writer(self, states: Mapping[str, str]) -> Writer:
        """Writes formulas outside of the loop."""
        reads = {f"x_{name}": f"x[{k}]" for k, name in enumerate(self.step.inputs)}
        reads |= {"t_0": "t0", "t_1": "t1", "r_resting": "resting"}
        return Writer(self.single, {**reads, **states}, self.outside())

    def _of_y(self) -> Writer:
        return self._writer({f"s_{name}": f"y[{k}]" for k, name in enumerate(self.parts.names)})

    def _function(self, name: str, inputs: str, further: str, roots: Iterable[Node]) -> str:
        writer, roots = self._of_y(), list(roots)
        return "\n".join(
            [
                f"static NOINLINE void {name}(const Work *w, int64_t i, {inputs}const vreal *y,",
                f"                            {further}vreal *n) {{",
                *writer.lines(roots, "    "),
                *(f"    n[{k}] = {writer.name(node)};" for k, node in enumerate(roots)),
                "}",
                "",
            ]
        )

    def _number(self, name: str, further: str, root: Node) -> str:
        writer = self._of_y()
        return "\n".join(
            [
                f"static NOINLINE vreal {name}(const Work *w, int64_t i{further}) {{",
                *writer.lines([root], "    "),
                f"    return {writer.name(root)};",
                "}",
                "",
            ]
        )

    def _carry(self) -> str:
        states = {f"s_{name}": f"((vreal *)w->s[{k}])[i]" for k, name in enumerate(self.parts.names)}
        writer = self._writer(states)
        roots = [self.usual.before[k] for k in self.carried]
        return "\n".join(
            [
                "static NOINLINE void carry_slopes(Work *w, int64_t i, const vreal *x) {",
                *writer.lines(roots, "    "),
                *(
                    f"    ((vreal *)w->e[{1 + place}])[i] = {writer.name(node)};"
                    for place, node in enumerate(roots)
                ),
                "}",
                "",
            ]
        )

    def loop(self) -> str:
        """See the base class."""
        usual, names = self.usual, self.names
        kinds = [TYPES[usual.states[name].type] for name in names]
        reads = {f"s_{name}": f"s{k}" for k, name in enumerate(names)}
        reads |= {f"x_{self.step.inputs[k]}": f"x{k}" for k in self.varying}
        # Not restrict: rare() writes there too.
        declared, known = declared_hoisted(self.hoisted, "*")
        declared += [f"    {kind} *S{k} = ({kind} *)w->s[{k}];" for k, kind in enumerate(kinds)]
        loaded = loads(kinds, self.varying)
        for place, k in enumerate(self.carried):
            declared.append(f"    vreal *K{k} = (vreal *)w->e[{1 + place}];")
            loaded.append(f"{INDENT}const vreal k{k} = K{k}[i];")
            known[usual.before[k]] = f"k{k}"
        declared.append("    const uint32_t *marks = marks_of(w);")
        writer = Writer(self.single, reads, known)
        after = [usual.states[name] for name in names]
        carried = [usual.after[k] for k in self.carried]
        looked = list(dict.fromkeys(usual.looked))
        body = writer.lines([*after, *looked, *carried, usual.odd], " " * 12)
        check = check_of(map(writer.name, looked), self.varying)
        body = [
            *loaded,
            *body,
            f"            const vbool odd = {writer.name(usual.odd)} | rb_ne({check}, splat(0));",
        ]
        results = [(f"S{k}[i]", f"s{k}", writer.name(node)) for k, node in enumerate(after)]
        results += [(f"K{k}[i]", f"k{k}", writer.name(usual.after[k])) for k in self.carried]
        rare = [
            "                {",
            "                    const vbool stay = odd | bools_of(marks[i]);",
            "                    listed = list(w, i, lanes_of(stay), listed);",
            *(f"                    {place} = rb_where(stay, {old}, {new});" for place, old, new in results),
            "                }",
        ]
        stores = [f"            {place} = {new};" for place, _, new in results]
        side_by_side = range(self.together)
        something = " | ".join(beside("lanes_of(odd) | marks[i]", u) for u in side_by_side)
        return "\n".join(
            [
                "static NOINLINE int steps(Work *w, Call *call) {",
                *declared,
                "    const int64_t vectors = PADDED(w->count) / LANES;",
                "    begin(w, call, vectors);",
                "    for (int64_t step = 0; step < call->steps; step++) {",
                "        if (call->noise) before_step(w, call, step);",
                *declared_rows(self.varying),
                "        int64_t listed = 0;",
                "        for (int64_t i = 0; i < vectors; i += TOGETHER) {",
                "            const int64_t there = w->count - i * LANES;",
                *(beside(line, u) for line in body for u in side_by_side),
                f"            if (UNLIKELY({something})) {{",
                *(beside(line, u) for u in side_by_side for line in rare),
                "                continue;",
                "            }",
                *(beside(line, u) for line in stores for u in side_by_side),
                "        }",
                "        if (UNLIKELY(listed)) {",
                "            const int wrong = rare(w, call, step, listed);",
                "            if (wrong) return wrong == FAILED ? failed(call, step) : 1;",
                "        }",
                "        if (!after_step(w, call, step)) return 1;",
                "    }",
                "    end(w, call, vectors);",
                "    return 0;",
                "}",
                "",
            ]
        )
