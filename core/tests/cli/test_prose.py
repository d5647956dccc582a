"""Docstrings in the terminal: equations on lines of their own, LaTeX in plain letters, text filled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import rheobase as rb
from click.testing import Result
from rheobase.cli.prose import plain, prose

HINDMARSH_ROSE = """Hindmarsh-Rose (1984), a model of bursts that is written in three
lines, and needs no more:
dx/dt = y - a x^3 + b x^2 - z + I
dy/dt = c - d x^2 - y
dz/dt = r (s (x - x_r) - z)
where x is the membrane
potential, without a unit."""


def test_equations_between_lines_of_text_keep_their_lines() -> None:
    assert prose(HINDMARSH_ROSE).splitlines() == [
        "Hindmarsh-Rose (1984), a model of bursts that is written in three lines, and",
        "needs no more:",
        "dx/dt = y - a x^3 + b x^2 - z + I",
        "dy/dt = c - d x^2 - y",
        "dz/dt = r (s (x - x_r) - z)",
        "where x is the membrane potential, without a unit.",
    ]


def test_rules_with_arrows_are_equations_too() -> None:
    rules = "C dV/dt = -w + I\nV >= V_peak:  V -> V_r,  w -> w + b"
    assert prose(rules) == rules


def test_a_sentence_that_breaks_at_a_sign_is_filled() -> None:
    text = "Under a constant current that is so large the interval between two\nspikes is T = 3 ms."
    assert prose(text).splitlines() == [
        "Under a constant current that is so large the interval between two spikes is T =",
        "3 ms.",
    ]


@pytest.mark.parametrize(
    ("latex", "letters"),
    [
        (r"\tau_{ref} + \tau_{mem}", "tau_ref + tau_mem"),
        (r"\tau \frac{dV}{dt} = -V", "tau dV/dt = -V"),
        (r"\frac{\partial w}{\partial t}", "dw/dt"),
        (r"\dot{x} \leq 3", "dx/dt <= 3"),
        (r"\frac{a + b}{2}", "(a + b) / 2"),
        (r"\ln \frac{a - 1}{b}", "ln ((a - 1) / b)"),
        (r"e^{-t / \tau}", "e^(-t / tau)"),
        (r"g \left( V - E_{\mathrm{K}} \right)", "g ( V - E_K )"),
        (r"\lfloor x / 2 \rfloor", "floor( x / 2 )"),
        (r"\sqrt{\sigma^2}", "sqrt(sigma^2)"),
        (r"\unheard{x}", "unheardx"),
        (r"\frac{a}{b", "a / b"),
        ("\\", "\\"),
    ],
)
def test_latex_is_written_in_plain_letters(latex: str, letters: str) -> None:
    assert plain(latex) == letters


def test_math_directives_and_roles_are_shown_plainly() -> None:
    text = (
        "It is\n\n.. math::\n   :label: eq\n\n   \\dot{x} &= y \\\\\n   \\dot{y} &= -x\n\n"
        "With :math:`\\tau_{m}` in ms."
    )
    assert prose(text) == "It is\n\n    dx/dt = y\n    dy/dt = -x\n\nWith tau_m in ms."
    assert prose(".. math:: E = m c^{2}\n\nAs known.") == "    E = m c^2\n\nAs known."


def test_no_installed_model_shows_latex(command: Callable[..., Result]) -> None:
    for name in [each.spec.name for each in rb.list_components("neuron")]:
        shown = command("show", name).stdout
        assert ".. math::" not in shown
        assert "\\" not in shown


def test_declarations_are_read_at_the_prompt() -> None:
    class Cell(rb.AnalogNeuron):
        tau = rb.Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
        twice = rb.Parameter(lambda p: 2 * p.tau, unit="ms")
        x = rb.State("tau", unit="1", at_least=0, at_most=1)
        drive = rb.Input(unit="pA", doc="current")
        scheme = rb.Option("plain", "fancy", doc="scheme")
        quick = rb.Preset("quick one", params={"tau": 1.0}, state={"x": 0.5})

        @staticmethod
        def derivatives(state, params, data):
            return {"x": -state.x / params.tau}

    assert repr(Cell.tau) == "Parameter(5.0, 'ms', > 0: membrane time constant)"
    assert repr(Cell.twice) == "Parameter(a function, 'ms')"
    assert repr(Cell.x) == "State('tau', '1', >= 0 and <= 1)"
    assert repr(Cell.drive) == "Input(0.0, 'pA': current)"
    assert repr(Cell.scheme) == "Option('plain', 'fancy': scheme)"
    assert repr(Cell.quick) == "Preset(tau=1.0, x=0.5: quick one)"


@pytest.mark.parametrize(
    ("unit", "said"), [("1", "the state 'x' became"), ("mV", "the state 'x' (in mV) became")]
)
def test_a_state_without_a_unit_is_told_without_one(unit: str, said: str) -> None:
    class Explodes(rb.AnalogNeuron):
        x = rb.State(1.0, unit=unit)

        @staticmethod
        def derivatives(state, params, data):
            return {"x": state.x**9 * 1e30}

    with pytest.raises(rb.errors.NonFiniteStateError) as caught:
        rb.simulate(rb.create(Explodes), 0.0, duration=5.0, record="x", backend="eager")
    assert said in str(caught.value)
    assert "in 1" not in str(caught.value)
