"""Networks of layers learn, and the models that are installed can be layers."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import conformance
from rheobase.pointing import module_of_file

ROOT = Path(__file__).resolve().parents[1]
FAMILY = [prop.name for prop in conformance.properties("neuron") if prop.family == "training"]
"""What the kit asks of a model as a layer."""


@pytest.mark.by_hand
def test_digits_are_learnt_to_97_percent_in_ten_epochs() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn, which has the digits, is not installed")
    example = runpy.run_path(str(ROOT / "examples" / "digits.py"), run_name="digits")
    shares = []
    for seed in range(5):
        torch.manual_seed(seed)
        shares.append(example["train"](example["Net"](), epochs=10, seed=seed))
    # 97.6 % on average; a perceptron of as many weights, ten epochs at a rate of 2e-3: 94.2 %.
    assert sum(shares) / 5 >= 0.97, shares
    assert min(shares) >= 0.96, shares


def yin_yang() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "examples" / "yin_yang.py"), run_name="yin_yang")


@pytest.mark.by_hand
def test_yin_yang_is_learnt_to_97_and_a_half_percent_by_spike_times() -> None:
    example = yin_yang()
    torch.manual_seed(0)
    net = example["Net"]()
    example["train"](net, *example["yin_yang"](5000, seed=1), epochs=20)
    points, labels = example["yin_yang"](1000, seed=2)
    with torch.no_grad():
        assert (net(points).argmax(1) == labels).float().mean() >= 0.975


class Repeated(torch.nn.Module):
    """A layer that hears one current for all of its steps."""

    def __init__(self, layer: rb.Layer, steps: int, size: float) -> None:
        super().__init__()
        self.layer, self.steps, self.size = layer, steps, size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        times: torch.Tensor = self.layer(self.size * x.expand(self.steps, -1, -1))
        return times


@pytest.mark.parametrize(
    ("count", "units", "left"), [(1000, 30, 0.8), pytest.param(5000, 60, 0.5, marks=pytest.mark.by_hand)]
)
def test_spike_times_of_the_model_in_the_readme_learn(count: int, units: int, left: float) -> None:
    """Its loss on other points falls by half in one epoch of 5,000."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    (code,) = (block for block in blocks if "class QIF" in block)
    names: dict[str, Any] = {}
    exec(code.split("qif = ")[0], names)
    example = yin_yang()
    torch.manual_seed(0)
    net = example["Net"](units)
    qif = rb.layer(names["QIF"], units, dt=2.0, gradient="times", input="native")
    # 60 mV, sixteen times the least that makes it fire: a spike every 9 ms, in 10 steps of 2 ms.
    net.hidden = Repeated(qif, 10, 60.0)
    points, labels = example["yin_yang"](500, seed=2)

    def loss() -> float:
        with torch.no_grad():
            return torch.nn.functional.cross_entropy(net(points), labels).item()

    before = loss()
    example["train"](net, *example["yin_yang"](count, seed=1), epochs=1)
    assert loss() <= left * before


@pytest.mark.by_hand
def test_delayed_match_is_told_by_what_a_recurrent_layer_remembers() -> None:
    example = runpy.run_path(str(ROOT / "examples" / "delayed_match.py"), run_name="delayed_match")
    cues, match = example["trials"](400, seed=1)
    shares = {}
    for recurrent in (True, False):
        torch.manual_seed(0)
        net = example["Net"]()
        # Three time constants of the membrane lie between the cues.
        net.hidden.recurrent = net.hidden.recurrent if recurrent else None
        example["train"](net, batches=100)
        with torch.no_grad():
            shares[recurrent] = (net(cues).argmax(1) == match).float().mean().item()
    assert shares[True] >= 0.97, shares
    assert shares[False] <= 0.75, shares


def judged(model: Any) -> conformance.Report:
    """What the kit says of a model as a layer, in the profile in which it asks for all of it."""
    report = conformance.check(model, "standard", only=FAMILY)
    assert report.ok, str(report)
    return report


def test_the_model_of_the_guide_is_a_layer_of_which_all_that_is_asked_is_decided() -> None:
    # As CONTRIBUTING has it, to the letter.
    adex = module_of_file(ROOT / "plugins/conformance/tests/zoo/sound_published.py").Adex
    assert judged(adex).counts["passed"] == len(FAMILY) == 8


@pytest.mark.parametrize("name", ["lif", "relay", "hindmarsh-rose"])
def test_a_model_is_a_layer_of_which_all_that_is_asked_is_decided(name: str) -> None:
    assert judged(name).counts["passed"] == len(FAMILY)


@pytest.mark.by_hand
def test_each_spiking_model_that_is_installed_is_a_layer_of_which_all_that_is_asked_is_decided() -> None:
    decided = {}
    for component in rb.list_components("neuron"):
        name = component.spec.name
        counts = judged(name).counts
        if counts["ran"]:  # what draws, is a map, has steps of its own or no threshold is no layer
            decided[name] = counts["passed"]
    assert len(decided) >= 20
    assert decided == dict.fromkeys(decided, len(FAMILY))
