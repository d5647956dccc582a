"""The C++ of a layer's kernel: the formulas of a step and of its derivative, between headers and a frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

from ..cost import cost_of
from ..expression import Node
from ..writer import TYPES, Writer
from .halves import Halves

_CACHE = 256 * 1024
"""Bytes of the second cache that a block of units may take, with the steps of a segment."""
SEGMENT = 20
"""The steps of a segment: from the states at its start they are computed once more in the backward."""
_SHORT = 400
"""The cost of a short step, in additions."""
_PACKAGE = __package__.rpartition(".")[0]


def layer_source(halves: Halves, *, single: bool) -> str:
    """The whole file.

    Args:
        halves: A step, and its derivative.
        single: Whether numbers are float32, or float64.
    """
    return _Source(halves, single).text()


class _Source:
    def __init__(self, halves: Halves, single: bool) -> None:
        self.halves, self.single, self.step = halves, single, halves.step
        self.states = list(halves.step.states)
        self.numbers = list(halves.adjoint)
        self.kinds = [TYPES[node.type] for node in halves.step.states.values()]

    def text(self) -> str:
        """The whole file."""
        step, halves = self.step, self.halves
        block = 2048
        arrays = (
            SEGMENT * len(self.states) + len(self.numbers) + len(halves.hoisted) + 3 * len(halves.gathered)
        )
        while block > 128 and arrays * block * (4 if self.single else 8) > _CACHE:
            block //= 2
        kinds = ", ".join({"f": "0", "b": "1", "i": "2"}[node.type] for node in step.states.values())
        shared = ", ".join(str(int(each)) for each in halves.hoisted.values())
        folder = files(_PACKAGE)
        return "\n".join(
            [
                f"#define SINGLE {int(self.single)}",
                *(
                    folder.joinpath(name).read_text(encoding="utf-8")
                    for name in ("support.h", "conditions.h")
                ),
                f"#define BLOCK {block}",
                f"#define STATES {len(self.states)}",
                f"#define NUMBERS {len(self.numbers)}",
                f"#define PARAMS {len(step.params)}",
                f"#define INPUTS {len(step.inputs)}",
                f"#define HOISTED {len(halves.hoisted)}",
                f"#define GATHERED {len(halves.gathered)}",
                f"#define CARRIED {len(halves.carried)}",
                f"static const int kinds[STATES + 1] = {{{kinds}}};",
                f"static const int shared[HOISTED + 1] = {{{shared}}};",
                folder.joinpath("states.h").read_text(encoding="utf-8"),
                folder.joinpath("threads.h").read_text(encoding="utf-8"),
                folder.joinpath("layer.h").read_text(encoding="utf-8"),
                self._prepare(),
                self._forward(),
                self._backward(),
                self._carry(),
                folder.joinpath("layer.cpp").read_text(encoding="utf-8"),
            ]
        )

    def _params(self) -> dict[str, str]:
        return {
            f"p_{name}": f"((const vreal *)p[{k}])[{'0' if name in self.step.uniform else 'i'}]"
            for k, name in enumerate(self.step.params)
        }

    def _prepare(self) -> str:
        """What does not change in a run, once for a block."""
        writer, lines = Writer(self.single, self._params(), {}), []
        for width, last in ((True, "1"), (False, "vectors")):
            chosen = [
                (place, node)
                for place, (node, is_shared) in enumerate(self.halves.hoisted.items())
                if is_shared == width
            ]
            writer.forget()
            body = writer.lines([node for _, node in chosen], "        ")
            lines += [
                f"    for (int64_t i = 0; i < {last}; i++) {{",
                *body,
                *(f"        (({TYPES[node.type]} *)h[{k}])[i] = {writer.name(node)};" for k, node in chosen),
                "    }",
            ]
        return _function(
            "void prepare(int64_t vectors, real *const *p, void *const *h)", ["    (void)vectors;", *lines]
        )

    def _hoisted(self) -> tuple[list[str], dict[Node, str]]:
        declared, known = [], {}
        for k, (node, is_shared) in enumerate(self.halves.hoisted.items()):
            kind = TYPES[node.type]
            if is_shared:
                declared.append(f"    const {kind} h{k} = *(const {kind} *)h[{k}];")
            else:
                declared.append(f"    const {kind} *const H{k} = (const {kind} *)h[{k}];")
            known[node] = f"h{k}" if is_shared else f"H{k}[i]"
        return declared, known

    def _reads(self) -> dict[str, str]:
        reads = {f"s_{name}": f"s{k}" for k, name in enumerate(self.states)}
        reads |= {f"x_{name}": f"x{k}" for k, name in enumerate(self.step.inputs)}
        reads |= {f"c_{name}": f"C{k}[i]" for k, name in enumerate(self.numbers)}
        return {**reads, "o_out": "o"}

    def _loads(self) -> list[str]:
        return [
            "        const int64_t there = full ? LANES : count - i * LANES;",
            "        (void)there;",
            *(f"        const {kind} s{k} = S{k}[i];" for k, kind in enumerate(self.kinds)),
            *(
                f"        const vreal x{k} = load_some(X{k}, i * LANES, 1, there);"
                for k in range(len(self.step.inputs))
            ),
        ]

    def _forward(self) -> str:
        """One step of a block: states; the output, unless it is known; whether inputs are odd."""
        declared, known = self._hoisted()
        writer = Writer(self.single, self._reads(), known)
        ends = list(self.step.states.values())
        body = writer.lines(ends, "        ")
        body += [f"        N{k}[i] = {writer.name(node)};" for k, node in enumerate(ends)]
        out = writer.lines([self.halves.out], "            ")
        odd = "".join(f" + x{k} * 0" for k in range(len(self.step.inputs)))
        return self._specialised(
            "vreal",
            "forward",
            {
                **{"count": "int64_t ", "s": "void *const *", "n": "void *const *", "h": "void *const *"},
                **{"x": "const real *const *", "out": "real *"},
            },
            ("full", "writes", "stream"),
            "count % LANES == 0, out != NULL, stream",
            ("1, 1, 1", "1, 0, 0", "1, 1, 0"),
            [
                *self._rows(),
                *(f"    const {kind} *S{k} = (const {kind} *)s[{k}];" for k, kind in enumerate(self.kinds)),
                *(f"    {kind} *N{k} = ({kind} *)n[{k}];" for k, kind in enumerate(self.kinds)),
                *declared,
                "    vreal odd = splat(0);",
                "    const int64_t vectors = (count + LANES - 1) / LANES;",
                "    for (int64_t i = 0; i < vectors; i++) {",
                *self._loads(),
                *body,
                "        if (writes) {",
                *out,
                f"            store_some(out, i * LANES, {writer.name(self.halves.out)}, there, stream);",
                f"            odd += splat(0){odd};",
                "        }",
                "    }",
                "    return odd;",
            ],
        )

    def _backward(self) -> str:
        """The derivative of one step of a block: cotangents of states, in place, and of inputs."""
        declared, known = self._hoisted()
        writer = Writer(self.single, self._reads(), known)
        halves = self.halves
        ends, gathered = list(halves.adjoint.values()), list(halves.gathered.values())
        inputs = {self.step.inputs.index(name): node for name, node in halves.inputs.items()}
        body = writer.lines([*ends, *gathered, *inputs.values()], "        ")
        body += [f"        A{k}[i] += {writer.name(node)};" for k, node in enumerate(gathered)]
        for k, node in inputs.items():
            body.append(f"        if (D{k}) store_some(D{k}, i * LANES, {writer.name(node)}, there, stream);")
        body += [f"        C{k}[i] = {writer.name(node)};" for k, node in enumerate(ends)]
        return self._specialised(
            "void",
            "backward",
            {
                **{"count": "int64_t ", "s": "void *const *", "h": "void *const *"},
                **{"x": "const real *const *", "dout": "const real *", "c": "real *const *"},
                **{"a": "real *const *", "dx": "real *const *"},
            },
            ("full", "wide", "stream"),
            "count % LANES == 0, wide, stream",
            ("1, 1, 1", "1, 1, 0"),
            [
                *self._rows(),
                *(f"    real *const D{k} = dx[{k}];" for k in inputs),
                *(f"    const {kind} *S{k} = (const {kind} *)s[{k}];" for k, kind in enumerate(self.kinds)),
                *(f"    vreal *const C{k} = (vreal *)c[{k}];" for k in range(len(ends))),
                *(f"    vreal *const A{k} = (vreal *)a[{k}];" for k in range(len(gathered))),
                *declared,
                "    const int64_t vectors = (count + LANES - 1) / LANES;",
                "    for (int64_t i = 0; i < vectors; i++) {",
                *self._loads(),
                "        const vreal o = load_some(dout, i * LANES, wide, there);",
                *body,
                "    }",
            ],
        )

    def _rows(self) -> list[str]:
        return [f"    const real *const X{k} = x[{k}];" for k in range(len(self.step.inputs))]

    def _specialised(
        self,
        gives: str,
        name: str,
        arguments: Mapping[str, str],
        choices: Sequence[str],
        chosen: str,
        usual: Sequence[str],
        body: Iterable[str],
    ) -> str:
        """A function; and where a step is short, copies of it, in which what is usual is known.

        Args:
            gives: Its type.
            name: Its name.
            arguments: Its arguments and their types, beside the last of the choices.
            choices: What may be known.
            chosen: What that is in a call.
            usual: What copies are made for.
            body: Its lines.
        """
        given = ", ".join(f"{kind}{each}" for each, kind in arguments.items())
        known = ", ".join(f"int {each}" for each in choices)
        roots = [*self.step.states.values(), *self.halves.adjoint.values()]
        copies = usual if cost_of(roots, self.halves.hoisted) <= _SHORT else ()
        call = f"{name}_as({', '.join(arguments)}, "
        # What a call chooses beside what follows from its arguments.
        rest = [f"int {each}" for each in choices[1:] if each in ("wide", "stream")]
        tests = []
        for each in copies:
            conditions = zip(chosen.split(", "), each.split(", "), strict=True)
            said = " && ".join(f"!({one}) == {int(value == '0')}" for one, value in conditions)
            tests.append(f"    if ({said}) return {call}{each});")
        kept = "INLINE" if copies else "static NOINLINE"
        return "\n".join(
            [
                f"{kept} {gives} {name}_as({given}, {known}) {{",
                "    (void)full;",
                *body,
                "}",
                _function(
                    f"{gives} {name}({', '.join([given, *rest])})",
                    [*tests, f"    return {call}{chosen});"],
                ),
            ]
        )

    def _carry(self) -> str:
        """From what was gathered over all steps to the parameters that it depends on."""
        reads = self._params() | {
            f"a_{k}": f"((const vreal *)a[{k}])[i]" for k in range(len(self.halves.gathered))
        }
        writer = Writer(self.single, reads, {})
        roots = list(self.halves.carried.values())
        return _function(
            "void carry(int64_t vectors, real *const *p, real *const *a, real *const *g)",
            [
                "    for (int64_t i = 0; i < vectors; i++) {",
                *writer.lines(roots, "        "),
                *(f"        ((vreal *)g[{k}])[i] = {writer.name(node)};" for k, node in enumerate(roots)),
                "    }",
            ],
        )


def _function(head: str, body: Iterable[str]) -> str:
    return "\n".join([f"static NOINLINE {head} {{", *body, "}", ""])
