"""The C++ of a kernel: the formulas of a step, between ``support.h`` and ``frame.cpp``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files

from .expression import Node, ordered, text_of
from .hoisting import hoisted
from .operations import OPERATIONS
from .specialise import Split
from .tracing import Step

_FIRST_CACHE = 24 * 1024
"""Bytes of the first cache that a block of units may take."""

_SHORT = 400
"""The cost of a short step, in additions."""

_LITTLE = 8
"""The cost of a reset that is done to all units, in additions."""

TYPES = {"f": "vreal", "h": "vreal", "b": "vbool", "i": "vint"}


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
        self.varying = [name for name in step.inputs if name not in constant]
        roots = [*split.usual.values(), *split.finite.values(), *split.assumed, *step.states.values()]
        roots += [node for node in (split.spiked, step.spiked) if node is not None]
        self.hoisted = hoisted(roots, step, constant)

    def text(self) -> str:
        """The whole file."""
        step, folder = self.step, files(__package__)
        wide = sum(not each.shared for each in self.hoisted.values())
        arrays = len(self.names) + wide + len(self.varying) + self.extra
        block = 2048
        while block > 128 and arrays * block * (4 if self.single else 8) > _FIRST_CACHE:
            block //= 2
        kinds = ", ".join({"f": "0", "b": "1", "i": "2"}[step.states[name].type] for name in self.names)
        shared = ", ".join(str(int(each.shared)) for each in self.hoisted.values())
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
                folder.joinpath("frame.h").read_text(encoding="utf-8"),
                self._prepare(),
                self._whole(),
                self._steps(),
                folder.joinpath("frame.cpp").read_text(encoding="utf-8"),
            ]
        )

    @property
    def together(self) -> int:
        """How many vectors are worked on side by side: a step of one is a chain of operations that wait.

        A power of two. Long steps fill the machine with fewer, and their source is long enough.
        """
        return 4 if self._cost(self.usual_states().values()) <= _SHORT else 2

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
                for place, (node, each) in enumerate(self.hoisted.items())
                if each.shared == width
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
        known = {
            node: f"(({TYPES[node.type]} *)w->h[{k}])[{'0' if each.shared else 'i'}]"
            for k, (node, each) in enumerate(self.hoisted.items())
        }
        writer = Writer(self.single, reads, known)
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

    def _steps(self) -> str:
        """A block through all steps of the call."""
        step, split, names = self.step, self.split, self.names
        kinds = [TYPES[step.states[name].type] for name in names]
        declared = [f"    {kind} *__restrict__ S{k} = ({kind} *)w->s[{k}];" for k, kind in enumerate(kinds)]
        known = {}
        for k, (node, each) in enumerate(self.hoisted.items()):
            kind = TYPES[node.type]
            if each.shared:
                declared.append(f"    const {kind} h{k} = *(const {kind} *)w->h[{k}];")
                known[node] = f"h{k}"
            else:
                declared.append(f"    const {kind} *__restrict__ H{k} = (const {kind} *)w->h[{k}];")
                known[node] = f"H{k}[i]"
        reads = {f"s_{name}": f"s{k}" for k, name in enumerate(names)}
        loads = [f"            const {kind} s{k} = S{k}[i];" for k, kind in enumerate(kinds)]
        given, rows = [], []
        for k, name in enumerate(step.inputs):
            if name in self.varying:
                reads[f"x_{name}"] = f"x{k}"
                rows.append(
                    f"        const real *const X{k} = w->x[{k}], *const N{k} = X{k} + call->step_strides[{k}];"
                )
                loads.append(f"            const vreal x{k} = load_some(X{k}, i * LANES, w->xw[{k}], there);")
                # Rows lie far apart: the machine does not see where the next one is.
                loads.append(f"            __builtin_prefetch(N{k} + i * LANES * w->xw[{k}]);")
                given.append(f"x{k}")
            else:
                given.append("(vreal){}")
        writer = Writer(self.single, reads, known)
        indent, side_by_side = " " * 12, range(self.together)
        usual = [split.usual[name] for name in names]
        finite = [split.finite[name] for name in names]
        conditions = [] if split.spiked is None else [split.spiked]
        # A reset that takes little is done to all, spike or not; another waits for a spike.
        waits = self._cost([*finite, *conditions]) - self._cost([*usual, *conditions]) > _LITTLE
        after = usual if waits else finite
        looked = _looked([*split.assumed, *usual])
        body = [*loads, *writer.lines([*looked, *after, *conditions], indent)]
        # A number less itself is zero just where it is finite.
        numbers = [*map(writer.name, looked), *(each for each in given if each[0] == "x")]
        check = " + ".join(f"({number} - {number})" for number in numbers) or "splat(0)"
        body.append(f"{indent}vreal check = {check};")
        body += [f"{indent}{kind} n{k} = {writer.name(after[k])};" for k, kind in enumerate(kinds)]
        who = [f"{indent}uint64_t who = 0;"]
        if conditions:
            spiked = f"(uint64_t)lanes_of({writer.name(conditions[0])}) << "
            who = [
                f"{indent}uint64_t who = {' | '.join(beside(spiked, u) + f'{u} * LANES' for u in side_by_side)};"
            ]
        reset: list[str] = []
        if waits:
            reset = [f"{indent}    if (lanes_of({writer.name(conditions[0])})) {{"]
            reset += writer.lines(finite, indent + "        ")
            reset += [f"{indent}        n{k} = {writer.name(node)};" for k, node in enumerate(finite)]
            reset += [f"{indent}    }}"]
        odd = [
            f"{indent}    if (lanes_of(rb_ne(check, splat(0)))) {{",
            f"{indent}        const uint32_t valid = there >= LANES ? ALL : there > 0 ? (1u << there) - 1 : 0;",
            f"{indent}        const vreal x[INPUTS + 1] = {{{', '.join(given) or '(vreal){}'}}};",
            f"{indent}        vreal n[STATES + 1];",
            f"{indent}        const uint64_t bits = whole(w, i, x, n);",
            f"{indent}        if (!all_finite(n, x, valid)) return failed(call, step);",
            f"{indent}        who = (who & ~((uint64_t)ALL << place * LANES)) | bits << place * LANES;",
            *(f"{indent}        n{k} = unpacked_{kind}(n[{k}]);" for k, kind in enumerate(kinds)),
            f"{indent}    }}",
        ]
        stores = [f"{indent}S{k}[i] = n{k};" for k in range(len(names))]
        return "\n".join(
            [
                "static NOINLINE int steps(Work *w, Call *call) {",
                *declared,
                "    const int64_t vectors = (w->count + LANES - 1) / LANES;",
                "    for (int64_t step = 0; step < call->steps; step++) {",
                *rows,
                "        for (int64_t i = 0; i < vectors; i += TOGETHER) {",
                f"{indent}const int64_t there = w->count - i * LANES;",
                f"{indent}(void)there;",
                *(beside(line, u) for line in body for u in side_by_side),
                *who,
                *([f"{indent}if (UNLIKELY(who)) {{"] if reset else []),
                *(beside(line, u) for u in side_by_side for line in reset),
                *([f"{indent}}}"] if reset else []),
                f"{indent}const vreal checked = {' + '.join(beside('check', u) for u in side_by_side)};",
                f"{indent}if (UNLIKELY(lanes_of(rb_ne(checked, splat(0))))) {{",
                *(beside(line, u).replace("place", str(u)) for u in side_by_side for line in odd),
                f"{indent}}}",
                *(beside(line, u) for line in stores for u in side_by_side),
                *([f"{indent}w->who[i / TOGETHER] = who;"] if conditions else []),
                "        }",
                *(["        if (!note_step(w, call, step)) return 1;"] if conditions else []),
                "        if (!after_step(w, call, step)) return 1;",
                "    }",
                "    return 0;",
                "}",
                "",
            ]
        )

    def _cost(self, roots: Iterable[Node]) -> int:
        """What a step takes, in additions."""
        changing = (node for node in ordered(roots, self.hoisted) if node not in self.hoisted)
        return sum(OPERATIONS[node.operation].cost for node in changing if node.operation in OPERATIONS)


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


_OF_ONE = re.compile(r"\b([vsxkn]\d+|check|odd)\b")
_PLACE = re.compile(r"\bi\b")


def beside(line: str, u: int) -> str:
    """A line on a vector, as that on one of several that are worked on side by side."""
    line = _OF_ONE.sub(rf"\1_{u}", line)
    return _PLACE.sub(f"(i + {u})", line).replace("there", f"(there - {u} * LANES)") if u else line


class Writer:
    """Writes formulas, each once.

    Args:
        single: Whether numbers are float32.
        reads: What is read -> how.
        known: What is there already -> how it is called.
    """

    def __init__(self, single: bool, reads: Mapping[str, str], known: Mapping[Node, str]) -> None:
        self._single, self._reads, self._known = single, reads, known
        self._names: dict[Node, str] = {}

    def forget(self) -> None:
        """Begin anew, in another scope."""
        self._names = {}

    def name(self, node: Node) -> str:
        """How a value is called."""
        return self._names[node]

    def lines(self, roots: Iterable[Node], indent: str) -> list[str]:
        """Formulas for all that is not there yet."""
        lines = []
        for node in ordered(roots, self._known):
            if node in self._names:
                continue
            if node in self._known:
                self._names[node] = self._known[node]
            elif node.operation == "constant":
                self._names[node] = self._constant(node)
            else:
                if node.operation == "read":
                    text = self._reads[node.value]
                else:
                    text = self._formula(node, [self._names[part] for part in node.parts])
                self._names[node] = f"v{node.number}"
                lines.append(f"{indent}const {TYPES[node.type]} v{node.number} = {text};")
        return lines

    def _constant(self, node: Node) -> str:
        if node.type in "fh":
            return f"splat({text_of(node.value, self._single)})"
        return f"splat_{'bool' if node.type == 'b' else 'int'}({int(node.value)})"

    def _formula(self, node: Node, parts: list[str]) -> str:
        if node.operation != "cast":
            return OPERATIONS[node.operation].c.format(*parts)
        source, target = node.parts[0].type, node.type
        if source == "h":
            return parts[0]
        if target == "b":
            return f"rb_ne({parts[0]}, {'splat(0)' if source == 'f' else 'splat_int(0)'})"
        whole = {"f": f"rb_int({parts[0]})", "b": f"int_of({parts[0]})", "i": parts[0]}[source]
        return f"rb_real({whole})" if target == "f" else whole
