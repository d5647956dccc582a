"""Sums of a step are written anew: shorter, and the same by algebra."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import rheobase as rb
import torch
from hypothesis import given
from hypothesis import strategies as st
from rheobase_fused.expression import Builder, Node, ordered
from rheobase_fused.hoisting import Still
from rheobase_fused.linear import condensed
from rheobase_fused.specialise import short_split, split
from rheobase_fused.tracing import trace

VALUES = {"s_v": Fraction(-7, 3), "s_w": Fraction(5, 11), "p_a": Fraction(2, 7), "p_b": Fraction(-13, 5)}
VALUES |= {"x_i": Fraction(17, 19)}
ARITHMETIC = ("add", "sub", "mul", "div", "fma", "neg")


def _still() -> Still:
    step: Any = SimpleNamespace(uniform=frozenset({"a"}))
    return Still(step, frozenset({"i"}))


def _exact(roots: list[Node]) -> list[Fraction]:
    """The values of expressions, without rounding."""
    found: dict[Node, Fraction] = {}
    for node in ordered(roots):
        if node.operation in ("read", "constant"):
            found[node] = VALUES[node.value] if node.operation == "read" else Fraction(node.value)
            continue
        x = [found[part] for part in node.parts]
        if node.operation == "div":
            found[node] = x[0] / x[1]
        elif node.operation == "fma":
            found[node] = x[0] * x[1] + x[2]
        elif node.operation == "neg":
            found[node] = -x[0]
        else:
            found[node] = {"add": x[0] + x[-1], "sub": x[0] - x[-1], "mul": x[0] * x[-1]}[node.operation]
    return [found[root] for root in roots]


def _counts(roots: Any, still: Mapping[Node, bool] | Still) -> dict[str, int]:
    """How often each operation of arithmetic is done in each step."""
    counts = dict.fromkeys(ARITHMETIC, 0)
    for node in ordered(roots, still):
        if node.operation in counts and node.type == "f" and node not in still:
            counts[node.operation] += 1
    return counts


@given(
    st.lists(
        st.tuples(st.sampled_from([*ARITHMETIC, "stage"]), *[st.integers(0, 40)] * 3), min_size=3, max_size=25
    )
)
def test_what_is_written_anew_is_the_same_by_algebra(operations: list[tuple[str, int, int, int]]) -> None:
    builder, still = Builder(), _still()
    nodes = [builder.read(name, "f") for name in VALUES] + [
        builder.constant(c, "f") for c in (0.1, 2.0, -1.0)
    ]
    unchanging = nodes[2:]
    for name, *places in operations:
        one, other, third = (nodes[place % len(nodes)] for place in places)
        if name == "stage":
            # As a stage of a method: a state and a multiple of something.
            new = builder.make("fma", "f", one, unchanging[places[1] % len(unchanging)], nodes[places[2] % 2])
        elif name == "div" and _exact([other]) != [0]:
            new = builder.make("div", "f", one, other)
        elif name == "fma":
            new = builder.make("fma", "f", one, other, third)
        else:
            name = "sub" if name == "div" else name
            new = builder.make(name, "f", *((one,) if name == "neg" else (one, other)))
        nodes.append(new)
    roots = nodes[-3:]
    new = condensed(builder, still, roots)
    assert _exact([new.get(root, root) for root in roots]) == _exact(roots)


def test_products_and_what_is_taken_away_are_the_same_by_algebra() -> None:
    builder, still = Builder(), _still()
    v, w, a, b = (builder.read(name, "f") for name in ("s_v", "s_w", "p_a", "p_b"))

    def make(operation: str, *parts: Node) -> Node:
        return builder.make(operation, "f", *parts)

    # (a v + b) - w and v + a (v w + b v - w): a state taken away, and a product beside one of its factors.
    away = make("sub", make("fma", v, a, make("mul", b, make("mul", v, v))), w)
    slope = make("sub", make("add", make("mul", v, w), make("mul", b, v)), w)
    for root in (away, make("fma", slope, a, v)):
        new = condensed(builder, still, [root])
        assert sum(_counts([new[root]], still).values()) < sum(_counts([root], still).values())
        assert _exact([new[root]]) == _exact([root])


def test_a_stage_and_a_constant_are_added_as_they_were() -> None:
    builder, still = Builder(), _still()
    v, a, b = (builder.read(name, "f") for name in ("s_v", "p_a", "p_b"))
    slope = builder.make("div", "f", builder.make("sub", "f", b, v), a)
    stage = builder.make("fma", "f", slope, builder.constant(0.05, "f"), v)
    shifted = builder.make("add", "f", stage, builder.constant(40.0, "f"))
    new = condensed(builder, still, [builder.make("exp", "f", shifted)])
    assert new[stage] is not stage
    assert new[shifted].parts == (new[stage], shifted.parts[1])


def test_a_step_of_a_leaky_integrator_is_two_operations_whatever_its_stages() -> None:
    for order in (2, 3, 4):
        step = trace(rb.create("lif", 3, integrator=rb.RungeKutta(order=order)))
        constant = frozenset({"input"})
        moved = short_split(step, constant).usual["voltage"]
        # Beside the refractory units, whose voltage is held.
        assert moved.operation == "where"
        counts = _counts([moved], Still(step, constant))
        assert counts == {**dict.fromkeys(ARITHMETIC, 0), "fma": 1, "add": 1}


def test_a_step_of_izhikevichs_model_is_half_as_long() -> None:
    step, constant = trace(rb.create("izhikevich", 3)), frozenset({"input"})
    still = Still(step, constant)
    plain = sum(_counts(split(step).usual.values(), still).values())
    short = sum(_counts(short_split(step, constant).usual.values(), still).values())
    assert plain > 60
    assert short <= 32


def test_what_is_computed_of_a_state_and_may_cancel_is_left_as_it_was() -> None:
    # x / (1 - exp(-x)) of x = (v + 40) / 10 goes wrong if its two x differ, or if v + 40 is not exact near 0.
    builder, still = Builder(), _still()
    v, forty, ten = builder.read("s_v", "f"), builder.constant(40.0, "f"), builder.constant(10.0, "f")
    shifted = builder.make("add", "f", v, forty)
    x = builder.make("div", "f", shifted, ten)
    rate = builder.make("div", "f", x, builder.make("expm1", "f", x))
    new = condensed(builder, still, [rate])
    numerator, denominator = new[rate].parts
    assert numerator is denominator.parts[0]
    assert numerator.operation == "mul"
    assert numerator.parts[0] is shifted


def test_a_sum_that_gets_no_shorter_stays_as_it_is() -> None:
    builder, still = Builder(), _still()
    v, a = builder.read("s_v", "f"), builder.read("p_a", "f")
    assert condensed(builder, still, [builder.make("fma", "f", v, a, builder.read("x_i", "f"))]) == {}


def test_a_divisor_whose_inverse_is_no_normal_number_is_divided_by() -> None:
    builder, still = Builder(), _still()
    for size in (1e-320, 1e300):
        root = builder.make("div", "f", builder.read("s_v", "f"), builder.constant(size, "f"))
        assert condensed(builder, still, [root]) == {}


def test_what_changes_from_step_to_step_is_not_taken_for_what_does_not() -> None:
    for constant, reads in ((frozenset({"input"}), 0), (frozenset(), 1)):
        step = trace(rb.create("lif", 3, dtype=torch.float64))
        moved = short_split(step, constant).usual["voltage"]
        changing = [node for node in ordered([moved], Still(step, constant)) if node.value == "x_input"]
        assert len(changing) == reads
