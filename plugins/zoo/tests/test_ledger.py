"""``LEDGER.md``: every claim of the models here, and what came of it. As a script this file writes it."""

from __future__ import annotations

from pathlib import Path

import pytest
import rheobase as rb
from rheobase_conformance.ledger import COLUMNS, ledger, markdown, row
from rheobase_conformance.neurons.claimed import Outcome, numbers
from rheobase_zoo import plugin

FILE = Path(__file__).parents[1] / "LEDGER.md"
NAMES = [*(spec.name for spec in plugin.rheobase_neurons()), "izhikevich-2007"]
TITLE = """# The ledger of published results

What sources say that presets do, and what they do. Written by `python plugins/zoo/tests/test_ledger.py`;
`rheobase validate --ledger` prints it of all that is installed.

"""


def declared(model: str) -> list[tuple[str, ...]]:
    """What a model declares, as rows without what came of it."""
    presets = rb.create(model).schema.presets.items()
    return [
        (model, name, claim, preset.expect.source, numbers(figures))
        for name, preset in presets
        if preset.expect is not None
        for claim, figures in preset.expect.claims.items()
    ]


def written() -> list[list[str]]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    assert rows[0] == list(COLUMNS)
    return rows[2:]


@pytest.mark.parametrize("name", NAMES)
def test_the_ledger_has_every_claim_of_a_model_and_no_other(name: str) -> None:
    rows = [each for each in written() if each[0] == name]
    # The claimed figures have a unit behind them.
    found = [(*each[:4], each[4].partition(" ")[0]) for each in rows]
    claims = [(*each[:4], each[4].partition(" ")[0]) for each in declared(name)]
    assert found == claims, "it is stale: python plugins/zoo/tests/test_ledger.py"
    assert {each[0] for each in written()} <= {*NAMES}


def test_all_that_is_in_the_ledger_holds() -> None:
    assert {each[-1] for each in written()} == {"holds"}


@pytest.mark.by_hand
@pytest.mark.parametrize("name", NAMES)
def test_the_ledger_is_what_the_models_do(name: str) -> None:
    assert [list(row(each)) for each in ledger([name])] == [each for each in written() if each[0] == name]


def save() -> None:
    """Write the file; rows of models named by arguments alone are made anew."""
    import sys

    kept = {name: [each for each in written() if each[0] == name] for name in NAMES} if FILE.is_file() else {}
    made: list[Outcome] = []
    lines = []
    for name in NAMES:
        if sys.argv[1:] and name not in sys.argv[1:] and kept.get(name):
            lines += ["| " + " | ".join(each) + " |\n" for each in kept[name]]
        else:
            made = list(ledger([name]))
            lines += markdown(made).splitlines(keepends=True)[2:]
    head = markdown([])
    FILE.write_text(TITLE + head + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    save()
