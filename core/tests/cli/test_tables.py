"""Tables of the command, in eighty columns."""

from __future__ import annotations

import pytest
from rheobase.cli.messages import console, table


def test_numbers_are_whole_however_long_names_and_words_are(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a-model of some name and preset", 0.214827, 14, 71.9, 0.47, "what it is " * 4)]
    console().print(table(["model", ">rheobase", ">spikes", ">mean ISI (ms)", ">CV of ISI", "what"], rows))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    (line,) = [line for line in lines if "a-model" in line]
    assert line.split()[6:10] == ["0.214827", "14", "71.9", "0.47"]
    # Headings too, between whose words there may be a new line.
    assert {"rheobase", "spikes", "(ms)"} <= {*" ".join(lines).split()}
