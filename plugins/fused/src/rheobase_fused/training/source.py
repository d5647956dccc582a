"""The C++ of a layer's kernel: the formulas of a step and of its derivative, between headers and a frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

from ..cost import cost_of
from ..expression import Node
from ..writer import TYPES, Writer
from .forms import Forms
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
        block, forms = 2048, halves.forward.looks or halves.backward.looks
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
                f"#define ASIDE {len(self._given('backward')) if forms else 0}",
                f"#define ROWS {1 + len(halves.inputs) + len(halves.gathered)}",
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
        reads |= {f"c_{name}": f"c{k}" for k, name in enumerate(self.numbers)}
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
        forms, count = self.halves.forward, len(self.states)
        kinds = [*self.kinds, "vreal"]
        odd = "".join(f" + x{k} * 0" for k in range(len(self.step.inputs)))
        arguments = {
            **{"count": "int64_t ", "s": "void *const *", "n": "void *const *", "h": "void *const *"},
            **{"x": "const real *const *", "out": "real *", "rare": "Rare *"},
        }
        return self._whole("forward", forms) + self._specialised(
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
                *self._formed("forward", forms, kinds, known),
                *(f"        N{k}[i] = e{k};" for k in range(count)),
                "        if (writes) {",
                f"            if (UNLIKELY(odd)) ((vreal *)rare->rows[0])[i] = e{count};",
                f"            else store_some(out, i * LANES, e{count}, there, stream);",
                f"            strange += splat(0){odd};",
                "        }",
                "    }",
                *self._wholly(
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

    def _backward(self) -> str:
        """The derivative of one step of a block: cotangents of states, in place, and of inputs."""
        declared, known = self._hoisted()
        halves = self.halves
        forms, numbers, gathered = halves.backward, len(halves.adjoint), len(halves.gathered)
        kinds = ["vreal"] * len(forms.whole)
        inputs, at = [self.step.inputs.index(name) for name in halves.inputs], numbers + gathered
        return self._whole("backward", forms) + self._specialised(
            "void",
            "backward",
            {
                **{"count": "int64_t ", "s": "void *const *", "h": "void *const *"},
                **{"x": "const real *const *", "dout": "const real *", "c": "real *const *"},
                **{"a": "real *const *", "dx": "real *const *", "rare": "Rare *"},
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
                *declared,
                "    const int64_t vectors = (count + LANES - 1) / LANES;",
                "    int64_t aside = 0;",
                "    for (int64_t i = 0; i < vectors; i++) {",
                *self._loads(),
                *(f"        const vreal c{k} = C{k}[i];" for k in range(numbers)),
                "        const vreal o = load_some(dout, i * LANES, wide, there);",
                *self._formed("backward", forms, kinds, known),
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
                *self._wholly(
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

    def _formed(self, name: str, forms: Forms, kinds: Sequence[str], known: Mapping[Node, str]) -> list[str]:
        """Results ``e0``, ``e1``, ... by the shortest form that holds for all units of a vector.

        The units for which the whole one has to be taken are put aside, side by side.
        """
        pad, writer = " " * 12, Writer(self.single, self._reads(), known)
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
            given = [text.format(*[letter]) for letter, text in self._given(name)]
            found += [
                "        if (UNLIKELY(odd)) {",
                f"            const vreal given[] = {{{', '.join(given)}}};",
                f"            aside = put_aside(rare, aside, odd, given, {len(given)}, i * LANES);",
                "        }",
            ]
        return found

    def _given(self, name: str) -> list[tuple[str, str]]:
        """What the whole form is given of a unit: what it is called, and how it is put aside."""
        found = [(f"x{k}", "{0}") for k in range(len(self.step.inputs))]
        found += [(f"s{k}", "packed({0})") for k in range(len(self.states))]
        if name == "backward":
            found += [*((f"c{k}", "{0}") for k in range(len(self.numbers))), ("o", "{0}")]
        each = enumerate(self.halves.hoisted.values())
        return found + [(f"H{k}[i]", "packed({0})") for k, is_shared in each if not is_shared]

    def _wholly(self, name: str, forms: Forms, stores: Iterable[str], rows: Iterable[str]) -> list[str]:
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

    def _whole(self, name: str, forms: Forms) -> str:
        """The whole form of a vector's units, where it may be asked for."""
        if not forms.looks:
            return ""
        declared, known = self._hoisted()
        declared = [line for line in declared if " *const H" not in line]
        kinds = [TYPES[node.type] for node in self.halves.hoisted]
        read = []
        for place, (letter, _) in enumerate(self._given(name)):
            number = letter.strip("xscoH[i]")
            kind = "vreal" if letter[0] in "xco" else self.kinds[int(number)]
            if letter[0] == "H":
                kind, letter = kinds[int(number)], f"w{number}"
            read.append(f"    const {kind} {letter} = unpacked_{kind}(aside_at(rare, {place}, j));")
        known = {node: name.replace("H", "w").replace("[i]", "") for node, name in known.items()}
        writer = Writer(self.single, self._reads(), known)
        return _function(
            f"void whole_{name}(void *const *h, const Rare *rare, int64_t j, vreal *e_of)",
            [
                *declared,
                *read,
                *writer.lines(forms.whole, "    "),
                *(f"    e_of[{k}] = packed({writer.name(node)});" for k, node in enumerate(forms.whole)),
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
