"""The units of models: symbols of the SI and some beside it, their products, quotients and powers."""

from __future__ import annotations

import re
import unicodedata

from rheobase.errors import nearest

PREFIXES = ("y", "z", "a", "f", "p", "n", "u", "\u03bc", "m", "c", "d", "da", "h", "k", "M", "G", "T", "P")
"""Of the SI; micro as its letter and as u."""

SYMBOLS = {
    "m": "metre",
    "g": "gram",
    "s": "second",
    "A": "ampere",
    "K": "kelvin",
    "mol": "mole",
    "cd": "candela",
    "V": "volt",
    "S": "siemens",
    "F": "farad",
    "C": "coulomb",
    "ohm": "ohm",
    "Ohm": "ohm",
    "\u03a9": "ohm",
    "Hz": "hertz",
    "J": "joule",
    "N": "newton",
    "W": "watt",
    "Pa": "pascal",
    "H": "henry",
    "T": "tesla",
    "Wb": "weber",
    "lm": "lumen",
    "lx": "lux",
    "Bq": "becquerel",
    "M": "mole per litre",
    "L": "litre",
    "l": "litre",
    "eV": "electronvolt",
    "Da": "dalton",
    "Osm": "osmole",
    "rad": "radian",
    "bit": "bit",
}
"""What takes a prefix."""

ALONE = {
    "1": "no unit",
    "%": "hundredth",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "deg": "degree of arc",
    "°": "degree of arc",
    "degC": "degree Celsius",
    "°C": "degree Celsius",
    "sr": "steradian",
    "e": "elementary charge",
    "dB": "decibel",
    "mmHg": "millimetre of mercury",
    "spike": "event",
    "spikes": "events",
}
"""What takes none."""

_COMMON = ("mV", "ms", "pA", "nS", "pF", "MOhm", "GOhm", "Hz", "kHz", "1/ms", "mM", "uM", "um", "uF/cm2")
_WORDS = {
    **dict.fromkeys(("msec", "msecs", "millisecond", "milliseconds", "millis"), "ms"),
    **dict.fromkeys(("usec", "microsecond", "microseconds"), "us"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("millivolt", "millivolts"), "mV"),
    **dict.fromkeys(("volt", "volts"), "V"),
    **dict.fromkeys(("nanoampere", "namp"), "nA"),
    **dict.fromkeys(("picoampere", "pamp"), "pA"),
    **dict.fromkeys(("amp", "amps", "ampere"), "A"),
    **dict.fromkeys(("siemens", "mho"), "S"),
    **dict.fromkeys(("megohm", "megaohm", "megaohms"), "MOhm"),
    **dict.fromkeys(("farad",), "F"),
    **dict.fromkeys(("micron", "microns"), "um"),
    **dict.fromkeys(("hertz",), "Hz"),
    **dict.fromkeys(("dimensionless", "unitless", "none", "a.u.", "au", "arb", "-"), "1"),
}
"""What units are called in words and in other programs -> what is meant."""

_POWER = r"(?:\^|\*\*)?[+-]?\d+(?:\.\d+)?|(?:\^|\*\*)\([+-]?\d+(?:/\d+|\.\d+)?\)"
_FACTOR = re.compile(rf"(?P<symbol>1|%|°C?|[^\W\d_]+)(?:{_POWER})?(?=[\s/*·.()]|$)")
_JOIN = re.compile(r"\s*(?:[/·]|\*(?!\*)|\.(?!\d))\s*|\s+")


def unknown(unit: str) -> str:
    """What is wrong with a unit; empty: it is known.

    Args:
        unit: The unit, such as ``"mV"``, ``"uF/cm2"``, ``"1/(mV ms)"``, ``"pA ms^0.5"`` or ``"1"``.

    Example:
        >>> unknown("mV"), unknown("uS/cm^2"), unknown("1/(mV ms)")
        ('', '', '')
        >>> unknown("msec")
        "the unit 'msec' is unknown; did you mean 'ms'?"
    """
    # One character for micro, one for ohm, and plain digits for raised ones.
    rest = unicodedata.normalize("NFKC", unit).replace("\u2212", "-").strip()
    if rest.casefold() in _WORDS:
        return _told(unit, rest)
    depth, wanted = 0, True
    while rest:
        if wanted and rest[0] == "(":
            rest, depth = rest[1:].lstrip(), depth + 1
        elif wanted and rest.startswith("sqrt("):
            rest, depth = rest[5:].lstrip(), depth + 1
        elif wanted:
            found = _FACTOR.match(rest)
            symbol = found["symbol"] if found else ""
            if found is None or not _is_known(symbol):
                return _told(unit, symbol)
            rest, wanted = rest[found.end() :], False
        elif rest[0] == ")" and depth:
            rest, depth = rest[1:], depth - 1
        elif (join := _JOIN.match(rest)) and join.end() < len(rest):
            rest, wanted = rest[join.end() :], True
        else:
            return _told(unit, "")
    return "" if not wanted and not depth else _told(unit, "")


def _is_known(symbol: str) -> bool:
    if symbol in SYMBOLS or symbol in ALONE:
        return True
    return any(symbol.startswith(prefix) and symbol[len(prefix) :] in SYMBOLS for prefix in PREFIXES)


def _told(unit: str, symbol: str) -> str:
    whole = symbol in ("", unit.strip())
    near = nearest(unit.strip() if whole else symbol, [*_COMMON, *_WORDS.values()], _WORDS)
    part = "is unknown" if whole else f"has the part {symbol!r}, which is unknown"
    return f"the unit {unit!r} {part}{near or _ACCEPTED}"


_ACCEPTED = "; give symbols of the SI, joined by '/' or a blank, as in 'mV', 'uF/cm2', '1/(mV ms)', or '1'"
