"""Docstrings for the terminal: paragraphs filled, equations on lines of their own, LaTeX in plain letters."""

from __future__ import annotations

import re
import textwrap

from .columns import WIDTH

_MARKS = (" ", "\t", ">>>", "..", "-", "*")
_SIGN = re.compile(r"<->|->|<-|=")
_WORDS_BEFORE = 6
"""An equation has a short left side; a sentence with a sign in it a long one."""


def prose(text: str) -> str:
    """A docstring, its paragraphs filled to the width; what is indented, and runs of equations, stay."""
    blocks = []
    for block in _without_math(text).split("\n\n"):
        lines = block.splitlines()
        # Lists, code and directives, where the ends of lines have a meaning.
        if any(line.startswith(_MARKS) for line in lines):
            blocks.append(block)
            continue
        filled: list[str] = []
        # A heading right above its equations is a run of its own, and stays on its line.
        for equations, part in _runs(lines):
            filled += part if equations else [textwrap.fill(" ".join(part), WIDTH, break_on_hyphens=False)]
        blocks.append("\n".join(filled))
    return "\n\n".join(blocks)


def _runs(lines: list[str]) -> list[tuple[bool, list[str]]]:
    """The lines of a paragraph in runs of equations, two at least, and of text."""
    runs: list[tuple[bool, list[str]]] = []
    for line in lines:
        kind = _is_equation(line)
        if runs and runs[-1][0] == kind:
            runs[-1][1].append(line)
        else:
            runs.append((kind, [line]))
    joined: list[tuple[bool, list[str]]] = []
    for kind, part in runs:
        # One equation alone may be a sentence that was broken there.
        kind = kind and len(part) > 1
        if joined and not kind and not joined[-1][0]:
            joined[-1][1].extend(part)
        else:
            joined.append((kind, part))
    return joined


def _is_equation(line: str) -> bool:
    sign = _SIGN.search(line)
    return sign is not None and 0 < len(line[: sign.start()].split()) <= _WORDS_BEFORE


_DIRECTIVE = re.compile(
    r"^(?P<margin>[ \t]*)\.\. math::(?P<same>[^\n]*)(?P<below>(?:\n[ \t]*$|\n(?P=margin)[ \t]+[^\n]*)*)",
    re.MULTILINE,
)


def _without_math(text: str) -> str:
    text = re.sub(r":math:`([^`]*)`", lambda found: plain(found[1]), text)
    return _DIRECTIVE.sub(_equations, text)


def _equations(found: re.Match[str]) -> str:
    # Options of the directive, such as :label:, are no mathematics.
    below = textwrap.dedent(re.sub(r"^\s*:\w+:.*$", "", found["below"], flags=re.MULTILINE)).strip()
    body = "\n".join(filter(None, (found["same"].strip(), below)))
    # Rows end with a double backslash; where there is none, Sphinx ends an equation at a blank line.
    rows = re.split(r"\\\\", body) if "\\\\" in body else re.split(r"\n\s*\n", body)
    shown = [plain(" ".join(row.split())) for row in rows]
    margin = found["margin"] + "    "
    rows = [
        textwrap.fill(row, WIDTH, initial_indent=margin, subsequent_indent=margin + "    ")
        for row in shown
        if row
    ]
    # What separates it from the next paragraph.
    return "\n".join(rows) + "\n" * (len(found[0]) - len(found[0].rstrip()) > 0)


_SYMBOLS = {
    **dict.fromkeys(("cdot", "times"), "*"),
    **{"le": "<=", "leq": "<=", "ge": ">=", "geq": ">=", "ne": "!=", "neq": "!=", "approx": "~", "sim": "~"},
    **{"to": "->", "rightarrow": "->", "mapsto": "->", "leftarrow": "<-", "pm": "+-", "infty": "inf"},
    **{"partial": "d", "ldots": "...", "dots": "...", "cdots": "...", "quad": "  ", "qquad": "  "},
    **{"lfloor": "floor(", "rfloor": ")", "lceil": "ceil(", "rceil": ")"},
    **{"left": "", "right": "", "big": "", "Big": "", "displaystyle": ""},
}
"""What is not written by its name, as ``alpha`` and ``exp`` are."""
_AROUND = {
    **{"frac": "{0} / {1}", "dfrac": "{0} / {1}", "tfrac": "{0} / {1}", "sqrt": "sqrt({0})"},
    **{"dot": "d{0}/dt", "ddot": "d2{0}/dt2", "bar": "{0}_mean", "hat": "{0}", "tilde": "{0}", "vec": "{0}"},
    **dict.fromkeys(("text", "mathrm", "mathbf", "mathit", "operatorname", "textrm", "mathcal"), "{0}"),
}
"""What a command puts around its arguments."""
_COMMAND = re.compile(r"\\([A-Za-z]+)")


def plain(latex: str) -> str:
    """A formula of LaTeX in plain letters; commands that are not known keep their name."""
    return " ".join(_plain(latex).split())


def _plain(text: str) -> str:
    text = re.sub(r"\\begin\{[a-z]+\*?\}|\\end\{[a-z]+\*?\}|(?<!\\)&", "", text)
    text = re.sub(r"\\[,;:! ]", " ", text)
    text = text.replace(r"\{", "(").replace(r"\}", ")")
    text = re.sub(r"\\([%#_|])", r"\1", text)
    # An empty argument in place of the space: dV, and not d V.
    text = re.sub(r"\\partial\s+", r"\\partial{}", text)
    made = ""
    while text:
        found = _COMMAND.match(text)
        if found is not None:
            name, text = found[1], text[found.end() :]
            if name in _AROUND:
                parts = []
                for _ in range(_AROUND[name].count("{")):
                    part, text = _argument(text)
                    parts.append(_grouped(_plain(part)) if name.endswith("frac") else _plain(part).strip())
                shown = _tight(_AROUND[name].format(*parts), parts)
                # exp a / b would be read as (exp a) / b.
                applied = re.search(r"\b(?:exp|ln|log|sin|cos|tan|tanh)\s*$", made) and name.endswith("frac")
                made += f"({shown})" if applied else shown
            else:
                made += _SYMBOLS.get(name, name)
        elif text[0] in "_^" and text[1:2] == "{":
            mark = text[0]
            part, text = _argument(text[1:])
            inner = _plain(part).strip()
            made += mark + (inner if re.fullmatch(r"[\w.,+-]*", inner) else f"({inner})")
        elif text[0] == "{":
            part, text = _argument(text)
            made += _plain(part)
        else:
            made, text = made + text[0], text[1:]
    return made


def _argument(text: str) -> tuple[str, str]:
    """The argument at the start of a text, within braces or one letter, and what comes after it."""
    text = text.lstrip()
    if not text.startswith("{"):
        found = _COMMAND.match(text)
        end = found.end() if found else 1
        return text[:end], text[end:]
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            return text[1:place], text[place + 1 :]
    return text[1:], ""


def _grouped(text: str) -> str:
    text = text.strip()
    return text if re.fullmatch(r"[\w.^]+", text) else f"({text})"


def _tight(text: str, parts: list[str]) -> str:
    """dV/dt rather than dV / dt."""
    return text.replace(" / ", "/") if len(parts) == 2 and all(p.startswith("d") for p in parts) else text
