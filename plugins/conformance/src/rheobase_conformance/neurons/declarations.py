"""Contract and metadata: what a model says of itself."""

from __future__ import annotations

import math
from typing import Any

from rheobase import Neuron
from rheobase.errors import ParameterError, RheobaseError
from rheobase.spi import Quantity

from ..property import Need, prop
from ..units import unknown
from ..vacuous import vacuous
from ..violation import require, violated
from .case import NeuronCase, within
from .needs import DECLARED, PARAMETERS, REFRACTORY
from .running import same
from .subject import NeuronSubject

FOLLOWING = Need(
    lambda s: any(not isinstance(each.default, float) for each in _quantities(s)),
    "no default of the model follows a parameter",
)


def _quantities(subject: NeuronSubject) -> list[Any]:
    return [*subject.schema.parameters.values(), *subject.schema.states.values()]


@prop(
    "neuron",
    "documented",
    "contract",
    why="who installs a model must be able to read what it computes and what its numbers mean",
)
def the_model_and_its_declarations_are_documented(subject: NeuronSubject) -> None:
    """The class has a docstring, and each parameter, state, input, option and preset a line."""
    if not (subject.model.__dict__.get("__doc__") or "").strip():
        violated(f"{subject.model.__name__} has no docstring; give it its equations and the paper")
    schema = subject.schema
    if not schema.declared:
        return
    declared = (
        *schema.parameters.values(),
        *schema.states.values(),
        *schema.inputs.values(),
        *schema.options.values(),
        *schema.presets.values(),
    )
    bare = [f"{each.kind} {each.name}" for each in declared if not each.doc.strip()]
    if bare:
        violated(f"no doc= on {', '.join(bare)}; give each a line")


@prop(
    "neuron",
    "units-are-known",
    "contract",
    needs=(DECLARED,),
    why="a unit that nobody knows can be read in two ways, and converted in none",
)
def the_units_are_known(subject: NeuronSubject) -> None:
    """Each unit is made of symbols of the SI, with their prefixes, or is "1"."""
    schema = subject.schema
    wrong = [
        f"{each.kind} {each.name}: {told}"
        for each in (*_quantities(subject), *schema.inputs.values())
        if (told := unknown(each.unit))
    ]
    if wrong:
        violated("; ".join(wrong))


@prop(
    "neuron",
    "misspelt-names-are-refused",
    "contract",
    needs=(PARAMETERS,),
    why="a misspelt parameter that is swallowed leaves the default in place, in silence",
)
def a_misspelt_parameter_is_an_error(subject: NeuronSubject) -> None:
    """``create`` refuses a name that the model does not declare, by a ParameterError."""
    name = next(iter(subject.schema.parameters)) + "_misspelt"
    try:
        NeuronCase(params={name: 1.0}).neuron(subject.model)
    except ParameterError:
        return
    violated(f"create({subject.model.__name__}, {name}=1.0) raised nothing; it must be a ParameterError")


@prop(
    "neuron",
    "made-of-its-number-of-units",
    "contract",
    why="a model that needs more than that cannot be used by its name",
)
def the_model_is_made_of_a_number_of_units(subject: NeuronSubject) -> None:
    """A neuron is made from nothing but a number of units, and has a state of each for every unit."""
    model = subject.model
    single: Any = model()
    require(single.num_units == 1, f"{model.__name__}() has num_units {single.num_units}; it must be 1")
    for units in (1, 3):
        neuron = NeuronCase(units=units).neuron(model)
        call = f"create({model.__name__}, {units})"
        require(neuron.num_units == units, f"{call} has num_units {neuron.num_units}; it must be {units}")
        for name in subject.schema.states:
            shape = list(getattr(neuron, name).shape)
            require(
                shape == [units], f"{call}: the state {name!r} begins with the shape {shape}, not [{units}]"
            )


@prop(
    "neuron",
    "values-outside-their-domain-are-refused",
    "contract",
    needs=(DECLARED,),
    why="a time constant below zero that is taken, or quietly replaced, gives results of another model",
)
def a_value_outside_its_domain_is_an_error(subject: NeuronSubject) -> None:
    """Parameters and states refuse values outside their declared domain, when made and when assigned."""
    neuron: Any = NeuronCase().neuron(subject.model)
    for place, quantity in enumerate(_quantities(subject)):
        bad = _outside(quantity)
        for value in bad:
            _refuses(subject.model, neuron, quantity, value, made=place == 0 or value != bad[-1])


def _outside(quantity: Quantity) -> list[float]:
    """A value just outside each bound, and one that is in no domain."""
    domain, values = quantity.domain, []
    for bound, strict, sign in (
        (domain.lowest, domain.above is not None, -1.0),
        (domain.highest, domain.below is not None, 1.0),
    ):
        if bound is not None:
            values.append(bound if strict else bound + sign * 1e-3 * max(1.0, abs(bound)))
    return [*values, math.nan]


def _refuses(model: type[Neuron], neuron: Any, quantity: Quantity, value: float, *, made: bool) -> None:
    name, told = quantity.name, f"the {quantity.kind} {quantity.name!r} must be {quantity.range_text}"
    if made:
        try:
            other = NeuronCase(params={name: value}).neuron(model)
        except ValueError:  # a ParameterError is one
            pass
        else:
            violated(
                f"create({model.__name__}, {name}={value}) raised nothing, and made a neuron with "
                f"{float(getattr(other, name).reshape(-1)[0])}; {told}"
            )
    before = getattr(neuron, name).detach().clone()
    try:
        setattr(neuron, name, value)
    except ValueError:
        pass
    else:
        violated(f"neuron.{name} = {value} raised nothing; {told}")
    require(
        same(before, getattr(neuron, name).detach()),
        f"neuron.{name} = {value} was refused, and changed it all the same",
    )


@prop(
    "neuron",
    "refractory-period-in-ms",
    "contract",
    needs=(REFRACTORY,),
    why="the engine counts tau_ref in steps of dt, which is in ms",
)
def the_refractory_period_is_in_ms(subject: NeuronSubject) -> None:
    """``tau_ref`` is declared in ms, and is not below zero."""
    declared = subject.schema.parameters["tau_ref"]
    require(declared.unit == "ms", f"tau_ref is declared in {declared.unit!r}; it must be in 'ms'")
    lowest = declared.domain.lowest
    require(
        lowest is not None and lowest >= 0,
        f"tau_ref is declared {declared.range_text}; a period has at_least=0",
    )


@prop(
    "neuron",
    "defaults-follow-into-their-domains",
    "contract",
    needs=(FOLLOWING,),
    why="a default that fits one set of parameters only fails who changes another parameter",
)
def a_default_that_follows_stays_in_its_domain(subject: NeuronSubject) -> None:
    """A default that follows other parameters lies in its domain when these are moved by 2%."""
    declared = subject.schema.parameters
    moves: list[dict[str, float]] = []
    for name, each in declared.items():
        if isinstance(each.default, float) and each.default != 0:
            for factor in (1.02, 0.98):
                value = each.default * factor
                if within(each, value):
                    moves.append({name: value})
    if not moves:
        vacuous("no parameter has a default other than zero that can be moved")
    # All moves at once, one for each unit, which is quicker; one by one where that fails.
    together = {
        name: tuple(move.get(name, declared[name].default) for move in moves)
        for name in {name for move in moves for name in move}
    }
    try:
        NeuronCase(params=together, units=len(moves)).neuron(subject.model)
        return
    except Exception:
        pass
    for move in moves:
        told = ", ".join(f"{name}={value:g}" for name, value in move.items())
        try:
            NeuronCase(params=move).neuron(subject.model)
        except RheobaseError as error:
            violated(f"create({subject.model.__name__}, {told}) fails by a default: {error}")
