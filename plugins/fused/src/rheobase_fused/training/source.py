"""The C++ of a layer's kernel: the formulas of a step and of its derivative, between headers and a frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

from ..cost import cost_of
from ..writer import TYPES, Writer
from .form_source import FormSource, function_of
from .halves import Halves

_CACHE = 256 * 1024
"""Bytes of the second cache that a block of units may take, with the steps of a segment."""
SEGMENT = 20
"""The steps of a segment: from the states at its start they are computed once more in the backward."""
_SHORT = 400
"""The cost of a short step, in additions."""
_PACKAGE = __package__.rpartition(".")[0]


def layer_source(halves: Halves, *, single: bool, tapes: bool = False) -> str:
    """The whole file.

    Args:
        halves: A step, and its derivative.
        single: Whether numbers are float32, or float64.
        tapes: Whether the steps of a segment keep what is dear in them for their derivatives.
    """
    return _Source(halves, single, tapes).text()


class _Source:
    def __init__(self, halves: Halves, single: bool, tapes: bool) -> None:
        self.taped = halves.taped if tapes else []
        self.halves, self.single, self.step = halves, single, halves.step
        self.states = list(halves.step.states)
        self.numbers = list(halves.adjoint)
        self.written = FormSource(halves, single)
        self.kinds = [TYPES[node.type] for node in halves.step.states.values()]

    def text(self) -> str:
        """The whole file."""
        step, halves = self.step, self.halves
        block, forms = 2048, halves.forward.looks or halves.backward.looks
        arrays = (
            SEGMENT * (len(self.states) + len(self.taped))
            + len(self.numbers)
            + len(halves.hoisted)
            + 3 * len(halves.gathered)
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
                    for name in ("support.h", "conditions.h", "rates.h")
                ),
                f"#define BLOCK {block}",
                f"#define STATES {len(self.states)}",
                f"#define NUMBERS {len(self.numbers)}",
                f"#define PARAMS {len(step.params)}",
                f"#define INPUTS {len(step.inputs)}",
                f"#define HOISTED {len(halves.hoisted)}",
                f"#define GATHERED {len(halves.gathered)}",
                f"#define CARRIED {len(halves.carried)}",
                f"#define TAPED {len(self.taped)}",
                f"#define ASIDE {len(self.written.given('backward')) if forms else 0}",
                f"#define ROWS {1 + len(halves.inputs) + len(halves.gathered)}",
                f"static const int kinds[STATES + 1] = {{{kinds}}};",
                f"static const int shared[HOISTED + 1] = {{{shared}}};",
                folder.joinpath("states.h").read_text(encoding="utf-8"),
                folder.joinpath("threads.h").read_text(encoding="utf-8"),
                folder.joinpath("layer.h").read_text(encoding="utf-8"),
                self._prepare(),
                self._forward(),
                self._again(),
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
        return function_of(
            "void prepare(int64_t vectors, real *const *p, void *const *h)", ["    (void)vectors;", *lines]
        )

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
        declared, known = self.written.hoisted()
        forms, count = self.halves.forward, len(self.states)
        kinds = [*self.kinds, "vreal"]
        odd = [f"strange = rb_fma(x{k}, splat(0), strange);" for k in range(len(self.step.inputs))]
        arguments = {
            **{"count": "int64_t ", "s": "void *const *", "n": "void *const *", "h": "void *const *"},
            **{"x": "const real *const *", "out": "real *", "rare": "Rare *"},
        }
        return self.written.whole("forward", forms) + self._specialised(
            "vreal",
            "forward",
            arguments,
            ("full", "writes", "stream"),
            "count % LANES == 0, out != NULL, stream",
            ("1, 1, 1", "1, 0, 0", "1, 1, 0"),
            [
                *self._rows(),
                *(f"    const {kind} *S{k} = (const {kind} *)s[{k}];" for k, kind in enumerate(self.kinds)),
                *(f"    {kind} *N{k} = ({kind} *)n[{k}];" for k, kind in enumerate(self.kinds)),
                *declared,
                "    vreal strange = splat(0);",
                "    const int64_t vectors = (count + LANES - 1) / LANES;",
                "    int64_t aside = 0;",
                "    for (int64_t i = 0; i < vectors; i++) {",
                *self._loads(),
                *self.written.formed("forward", forms, kinds, known),
                *(f"        N{k}[i] = e{k};" for k in range(count)),
                "        if (writes) {",
                f"            if (UNLIKELY(odd)) ((vreal *)rare->rows[0])[i] = e{count};",
                f"            else store_some(out, i * LANES, e{count}, there, stream);",
                *(f"            {line}" for line in odd),
                "        }",
                "    }",
                *self.written.wholly(
                    "forward",
                    forms,
                    [
                        *(
                            f"put_{kind}(N{k}, lane, unpacked_{kind}(e_of[{k}]), q);"
                            for k, kind in enumerate(self.kinds)
                        ),
                        f"if (writes) rare->rows[0][lane] = e_of[{count}][q];",
                    ],
                    ["if (writes) store_some(out, i * LANES, ((vreal *)rare->rows[0])[i], there, stream);"],
                ),
                "    return strange;",
            ],
        )

    def _again(self) -> str:
        """One step of a block once more: states, and what is kept of it for its derivative."""
        if not self.taped:
            return ""
        declared, known = self.written.hoisted()
        writer, states = Writer(self.single, self.written.reads(), known), self.halves.forward.whole[:-1]
        return function_of(
            "void again(int64_t count, void *const *s, void *const *n, void *const *h, "
            "const real *const *x, void *const *t)",
            [
                *self._rows(),
                *(f"    const {kind} *S{k} = (const {kind} *)s[{k}];" for k, kind in enumerate(self.kinds)),
                *(f"    {kind} *N{k} = ({kind} *)n[{k}];" for k, kind in enumerate(self.kinds)),
                *(f"    vreal *const T{k} = (vreal *)t[{k}];" for k in range(len(self.taped))),
                *declared,
                "    const int full = count % LANES == 0;",
                "    for (int64_t i = 0; i < (count + LANES - 1) / LANES; i++) {",
                *self._loads(),
                *writer.lines([*states, *self.taped], "        "),
                *(f"        T{k}[i] = {writer.name(node)};" for k, node in enumerate(self.taped)),
                *(f"        N{k}[i] = {writer.name(node)};" for k, node in enumerate(states)),
                "    }",
            ],
        )

    def _backward(self) -> str:
        """The derivative of one step of a block: cotangents of states, in place, and of inputs."""
        declared, known = self.written.hoisted()
        known = {**known, **{node: f"T{k}[i]" for k, node in enumerate(self.taped)}}
        halves = self.halves
        forms, numbers, gathered = halves.backward, len(halves.adjoint), len(halves.gathered)
        kinds = ["vreal"] * len(forms.whole)
        inputs, at = [self.step.inputs.index(name) for name in halves.inputs], numbers + gathered
        return self.written.whole("backward", forms) + self._specialised(
            "void",
            "backward",
            {
                **{"count": "int64_t ", "s": "void *const *", "h": "void *const *"},
                **{"x": "const real *const *", "dout": "const real *", "c": "real *const *"},
                **{"a": "real *const *", "dx": "real *const *", "t": "void *const *", "rare": "Rare *"},
            },
            ("full", "wide", "stream"),
            "count % LANES == 0, wide, stream",
            ("1, 1, 1", "1, 1, 0"),
            [
                *self._rows(),
                *(f"    real *const D{k} = dx[{k}];" for k in inputs),
                *(f"    const {kind} *S{k} = (const {kind} *)s[{k}];" for k, kind in enumerate(self.kinds)),
                *(f"    vreal *const C{k} = (vreal *)c[{k}];" for k in range(numbers)),
                *(f"    vreal *const A{k} = (vreal *)a[{k}];" for k in range(gathered)),
                *(f"    const vreal *const T{k} = (const vreal *)t[{k}];" for k in range(len(self.taped))),
                *declared,
                "    const int64_t vectors = (count + LANES - 1) / LANES;",
                "    int64_t aside = 0;",
                "    for (int64_t i = 0; i < vectors; i++) {",
                *self._loads(),
                *(f"        const vreal c{k} = C{k}[i];" for k in range(numbers)),
                "        const vreal o = load_some(dout, i * LANES, wide, there);",
                *self.written.formed("backward", forms, kinds, known),
                *(f"        C{k}[i] = e{k};" for k in range(numbers)),
                "        if (UNLIKELY(odd)) {",
                *(f"            ((vreal *)rare->rows[{j}])[i] = e{at + j};" for j in range(len(inputs))),
                *(
                    f"            ((vreal *)rare->rows[{len(inputs) + k}])[i] = e{numbers + k};"
                    for k in range(gathered)
                ),
                "        } else {",
                *(
                    f"            if (D{k}) store_some(D{k}, i * LANES, e{at + j}, there, stream);"
                    for j, k in enumerate(inputs)
                ),
                *(f"            A{k}[i] += e{numbers + k};" for k in range(gathered)),
                "        }",
                "    }",
                *self.written.wholly(
                    "backward",
                    forms,
                    [
                        *(f"((real *)C{k})[lane] = e_of[{k}][q];" for k in range(numbers)),
                        *(f"rare->rows[{j}][lane] = e_of[{at + j}][q];" for j in range(len(inputs))),
                        *(
                            f"rare->rows[{len(inputs) + k}][lane] = e_of[{numbers + k}][q];"
                            for k in range(gathered)
                        ),
                    ],
                    [
                        *(
                            f"if (D{k}) "
                            f"store_some(D{k}, i * LANES, ((vreal *)rare->rows[{j}])[i], there, stream);"
                            for j, k in enumerate(inputs)
                        ),
                        *(
                            f"A{k}[i] += ((vreal *)rare->rows[{len(inputs) + k}])[i];"
                            for k in range(gathered)
                        ),
                    ],
                ),
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
        roots = [*self.halves.forward.usual, *self.halves.backward.usual]
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
                "    (void)rare;",
                *body,
                "}",
                function_of(
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
        return function_of(
            "void carry(int64_t vectors, real *const *p, real *const *a, real *const *g)",
            [
                "    for (int64_t i = 0; i < vectors; i++) {",
                *writer.lines(roots, "        "),
                *(f"        ((vreal *)g[{k}])[i] = {writer.name(node)};" for k, node in enumerate(roots)),
                "    }",
            ],
        )
