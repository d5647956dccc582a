"""All that this distribution offers passes the conformance kit: in full by hand, as a rule in part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rheobase.conformance import Property, Suite, check, properties

ONLY_IN_FULL = [
    # Processes of other hash seeds: as a rule those of the core's model are.
    pytest.param(prop, id=prop.name, marks=pytest.mark.by_hand if prop.name == "hash-seed-ignored" else ())
    for prop in properties("neuron")
    if prop.level == "full"
]


class TestLIF(Suite):
    component = "lif"


@pytest.fixture
def quick_compiler() -> Iterator[None]:
    """Torch's compiler tries no vectors and makes no headers ready, half of what it does."""
    import torch._inductor.config as inductor  # not for tests that do not need it

    with inductor.patch({"cpp.vec_isa_ok": False, "cpp_cache_precompile_headers": False}):
        yield


@pytest.mark.usefixtures("quick_compiler")
@pytest.mark.parametrize("prop", ONLY_IN_FULL)
def test_what_only_the_full_profile_tries_of_lif_holds(prop: Property) -> None:
    report = check("lif", "full", only=[prop.name])
    assert report.ok, str(report)


@pytest.mark.by_hand
class TestLIFInFull(TestLIF):
    profile = "full"


class TestLeakyIntegrator(Suite):
    component = "leaky-integrator"
    profile = "smoke"


@pytest.mark.by_hand
class TestLeakyIntegratorInFull(TestLeakyIntegrator):
    profile = "full"


class TestOscillator(Suite):
    component = "oscillator"
    profile = "smoke"


@pytest.mark.by_hand
class TestOscillatorInFull(TestOscillator):
    profile = "full"
