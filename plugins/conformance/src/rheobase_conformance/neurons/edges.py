"""Domains: at their edges a model is finite, and a parameter goes on counting."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from rheobase import integrator
from rheobase.errors import RheobaseError
from rheobase.spi import FUNCTIONS
from torch import Tensor

from ..property import prop
from ..told import told
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase, within
from .effects import apart, awake, size_of
from .landscape import Landscape
from .needs import OWN_STEPS, PARAMETERS
from .probing import pulled, silence
from .subject import NeuronSubject

RATES = ("ms", "us", "s", "1/ms", "1/s", "Hz", "kHz")
"""Units of time constants and rates; two that are equal may divide zero by zero."""

NEAR, WIDE = (0.25, 4.0), (1 / 64, 1 / 16, 16.0, 64.0)
"""The parts of its default to which a parameter is moved, and those in the full profile."""

QUIET = 8
"""The steps of a run without input."""

FINER = 64
"""How much shorter the steps are with which it is tried again: what only long ones blow up is no fault."""

TOGETHER = 64
"""The units of a neuron in which each has another value."""

HALVINGS, OVERFLOWS = 30, 1e60
"""How near to the last value that is borne one comes by halving, and what is large there for a number."""

HUGE = 1e6
"""A state that is so many times as large as usual has run away, and its slopes may be without bound."""


@prop(
    "neuron",
    "domains-are-finite",
    "contract",
    needs=(PARAMETERS,),
    why="a value that a domain lets in and the equations do not bear is found by those who fit the model",
)
def the_model_is_finite_at_the_edges_of_its_domains(subject: NeuronSubject) -> None:
    """Without input the model is finite at a domain's edges, 0.25 and 4 times a default, and equal times."""
    _require_finite(subject, [*_singly(subject, NEAR), *_equal(subject)])


@prop(
    "neuron",
    "corners-of-domains-are-finite",
    "contract",
    needs=(PARAMETERS,),
    level="full",
    why="two values that are borne one by one may divide zero by zero together",
)
def the_model_is_finite_at_the_corners_of_its_domains(subject: NeuronSubject) -> None:
    """Without input the model is finite at 1/64 to 64 times each default, and at two edges at once."""
    edges = [
        {name: bound}
        for name, each in subject.schema.parameters.items()
        for bound in (each.domain.at_least, each.domain.at_most)
        if bound is not None and bound != subject.defaults[name]
    ]
    pairs = [{**a, **b} for a, b in itertools.combinations(edges, 2) if a.keys() != b.keys()]
    _require_finite(subject, [*_singly(subject, WIDE), *pairs])


def _singly(subject: NeuronSubject, factors: Sequence[float]) -> Iterator[dict[str, float]]:
    """Each parameter by itself: at its edges, at zero where nothing keeps it from there, and further off."""
    for name, declared in subject.schema.parameters.items():
        default, domain = subject.defaults[name], declared.domain
        values = [factor * (default or size_of(subject, name)) for factor in factors]
        values += [bound for bound in (domain.at_least, domain.at_most, 0.0) if bound is not None]
        for value in dict.fromkeys(values):
            if value != default and within(declared, value):
                yield {name: value}


def _equal(subject: NeuronSubject) -> Iterator[dict[str, float]]:
    """Each time constant or rate as long as each other."""
    declared = subject.schema.parameters
    for one, other in itertools.permutations(declared, 2):
        value = subject.defaults[other]
        same_kind = declared[one].unit == declared[other].unit and declared[one].unit in RATES
        if same_kind and value != subject.defaults[one] and within(declared[one], value):
            yield {one: value}


def _require_finite(subject: NeuronSubject, moves: Sequence[Mapping[str, float]]) -> None:
    if _bad(subject, _made(subject, {})):
        vacuous("it is not finite with its defaults either")
    for some in (moves[place : place + TOGETHER] for place in range(0, len(moves), TOGETHER)):
        if _together_fine(subject, some):
            continue
        for move in some:
            given = ", ".join(f"{name}={value:g}" for name, value in move.items())
            try:
                neuron = _made(subject, move)
            except ValueError:
                continue  # The author's own check says that they do not go together; a ParameterError is one.
            except Exception as error:
                violated(f"create({subject.model.__name__}, {given}) fails: {told(error)}")
            for name, value in move.items():
                held = float(getattr(neuron, name).reshape(-1)[0])
                if held != value:
                    violated(f"create({subject.model.__name__}, {given}) makes a neuron with {name}={held:g}")
            seen = _bad(subject, neuron)
            if seen and not subject.own_forward:
                seen = _bad(subject, _made(subject, move, dt=neuron.dt / FINER), FINER * QUIET)
            if seen and not _overflows(subject, move):
                domains = ", ".join(
                    f"{name!r} is declared {subject.schema.parameters[name].range_text}" for name in move
                )
                violated(f"with {given} and no input, {seen}; {domains}")


def _made(subject: NeuronSubject, params: Mapping[str, Any], units: int = 1, dt: float | None = None) -> Any:
    case = NeuronCase(dt=dt or subject.dt, params=params, units=units)
    # A unit that runs away does not stop the others.
    return case.neuron(subject.model, integrator=integrator("rk4", on_failure="mark"))


def _together_fine(subject: NeuronSubject, moves: Sequence[Mapping[str, float]]) -> bool:
    """Whether all moves are made and borne, each by a unit of its own: which is quicker."""
    if subject.own_forward:
        return False
    names = {name for move in moves for name in move}
    params = {name: tuple(move.get(name, subject.defaults[name]) for move in moves) for name in names}
    try:
        neuron = _made(subject, params, len(moves))
        kept = all(
            bool((getattr(neuron, name) == torch.tensor(values, dtype=torch.float64)).all())
            for name, values in params.items()
        )
        return kept and not _bad(subject, neuron)
    except Exception:
        return False


def _bad(subject: NeuronSubject, neuron: Any, steps: int = QUIET) -> str:
    """What is not finite of a neuron without input, in words; empty: nothing."""
    if subject.own_forward:
        return _bad_steps(subject, neuron)
    data, start = silence(subject, neuron), pulled(neuron)
    size = HUGE * (1.0 + start.abs().amax(dim=1, keepdim=True) + _excursions(subject))
    for _ in range(steps):
        states = pulled(neuron)
        calm = (states.abs() <= size).all(dim=0)
        for key, value in _values(subject, neuron, data).items():
            if bool((calm & ~value.isfinite()).any()):
                unit = int((calm & ~value.isfinite()).nonzero()[0])
                at = ", ".join(
                    f"{name} = {float(part):g}"
                    for name, part in zip(subject.schema.states, states[:, unit], strict=True)
                )
                return f"{subject.model.__name__}.{key} gives {float(value[unit])} at {at}"
        try:
            neuron(data)
        except RheobaseError:
            return ""  # It runs away: the functions were finite where it began.
    return ""


def _overflows(subject: NeuronSubject, move: Mapping[str, float]) -> bool:
    """Whether values are no longer finite because they grow without end on the way there, as exp does."""
    good, bad, largest = 0.0, 1.0, 0.0
    for _ in range(HALVINGS):
        part = 0.5 * (good + bad)
        between = {
            name: subject.defaults[name] + part * (value - subject.defaults[name])
            for name, value in move.items()
        }
        try:
            neuron = _made(subject, between)
            fails = bool(_bad(subject, neuron))
        except Exception:
            fails = True
        if fails:
            bad = part
            continue
        good = part
        values = _values(subject, _made(subject, between), silence(subject, neuron)).values()
        largest = max(float(value.abs().max()) for value in values) if not subject.own_forward else 0.0
    return largest > OVERFLOWS


def _excursions(subject: NeuronSubject) -> Tensor:
    moves = [subject.sizes.excursion.get(name, 0.0) for name in subject.schema.states]
    return torch.tensor(moves, dtype=torch.float64).unsqueeze(1)


def _values(subject: NeuronSubject, neuron: Any, data: Any) -> dict[str, Tensor]:
    """What the functions but ``dt_max`` give for a neuron as it stands, by name, ``[units]``."""
    state = subject.schema.pack_state(*(getattr(neuron, name).detach() for name in subject.schema.states))
    current, found = neuron.prepare(data), {}
    for name in FUNCTIONS:
        function = getattr(subject.model, name, None)
        if not callable(function) or name == "dt_max":
            continue
        more = {"derivatives": (current,), "update": (current, neuron.dt)}.get(name, ())
        values = function(state, neuron.params, *more)
        if values is NotImplemented:
            continue
        for key, value in (values if isinstance(values, Mapping) else {"": values}).items():
            made = torch.as_tensor(value, dtype=torch.float64).detach()
            found[f"{name} for {key!r}" if key else name] = made.expand(neuron.num_units)
    return found


def _bad_steps(subject: NeuronSubject, neuron: Any) -> str:
    """The same of a model that makes its own steps; what shorter steps mend is no matter of its domains."""
    seen = ""
    for dt in (neuron.dt, neuron.dt / FINER):
        params = {name: getattr(neuron, name) for name in subject.schema.parameters}
        made = NeuronCase(dt=dt).neuron(subject.model, num_units=neuron.num_units, **params)
        seen = ""
        try:
            for step in range(QUIET):
                made(silence(subject, made))
                if not bool(pulled(made).isfinite().all()):
                    seen = f"a state is not finite after step {step}"
                    break
        except ValueError:
            return ""
        except Exception as error:
            seen = f"its step fails: {told(error)}"
        if not seen:
            return ""
    return seen


PAIRS, FAR_PAIRS = ((1 / 8, 1 / 4), (4.0, 8.0)), ((1 / 64, 1 / 32), (32.0, 64.0))
"""Parts of its default that are held against each other, and those in the full profile."""

EVERYWHERE = 0.75
"""The part of all states at which a parameter acts that is held to act at all its values.

One that acts here and there only, such as a floor, has an effect where the model comes to it.
"""


@prop(
    "neuron",
    "parameters-go-on-counting",
    "contract",
    needs=(PARAMETERS, OWN_STEPS),
    why="a value that is quietly replaced by the nearest that serves gives results of another model",
)
def two_values_of_a_parameter_are_two_models(subject: NeuronSubject) -> None:
    """A parameter that acts everywhere acts at a domain's edges too, and from 1/8 to 8 times its default."""
    _require_counting(subject, PAIRS, edges=True)


@prop(
    "neuron",
    "parameters-count-far-away",
    "contract",
    needs=(PARAMETERS, OWN_STEPS),
    level="full",
    why="a value that is quietly replaced by the nearest that serves gives results of another model",
)
def two_distant_values_of_a_parameter_are_two_models(subject: NeuronSubject) -> None:
    """A parameter that acts everywhere acts from 1/64 to 64 times its default too."""
    _require_counting(subject, FAR_PAIRS, edges=False)


def _require_counting(subject: NeuronSubject, factors: Sequence[tuple[float, float]], *, edges: bool) -> None:
    options = subject.schema.options
    lands = [Landscape(subject, {})]
    lands += [
        Landscape(subject, {name: choice}) for name, each in options.items() for choice in each.choices[1:]
    ]
    base = awake(subject)
    decided = [
        _counts(
            subject, land, {key: value for key, value in base.items() if key != name}, name, factors, edges
        )
        for name in subject.schema.parameters
        for land in lands
    ]
    if not any(decided):
        vacuous("no parameter acts at nearly all states, or has other values")


def _counts(
    subject: NeuronSubject,
    land: Landscape,
    base: Mapping[str, float],
    name: str,
    factors: Sequence[tuple[float, float]],
    edges: bool,
) -> bool:
    """Refuse a parameter that acts everywhere, and not at some values; gives whether it was looked at."""
    declared = subject.schema.parameters[name]
    default = subject.defaults[name] or size_of(subject, name)
    here, near = (land.values(land.moved(**{**base, name: factor * default})) for factor in (1.0, 1.01))
    if _share(here, near) < EVERYWHERE:
        return False  # One that acts here and there may not come about.
    pairs = [(low * default, high * default) for low, high in factors]
    bounds = (declared.domain.at_least, declared.domain.at_most) if edges else ()
    pairs += [
        (bound, default + 0.9 * (bound - default))
        for bound in bounds
        if bound is not None and bound != default
    ]
    pairs = [pair for pair in pairs if all(within(declared, value) for value in pair)]
    for one, other in pairs:
        first, second = (land.values(land.moved(**{**base, name: value})) for value in (one, other))
        finite = torch.stack([value.isfinite() for value in first.values()]).all(dim=0).double().mean()
        if (
            apart(first, second)
            or float(finite) < EVERYWHERE
            or _another_decides(subject, land, base, name, one, other)
        ):
            continue
        violated(
            f"the parameter {name!r}, declared {declared.range_text}, does not count at {one:g} and "
            f"{other:g}: "
            f"all functions are the same for both at {land.count} states and inputs, and near {default:g} "
            "they change with it; narrow its domain, so that a value that does not serve is refused"
        )
    return bool(pairs)


def _another_decides(
    subject: NeuronSubject, land: Landscape, base: Mapping[str, float], name: str, one: float, other: float
) -> bool:
    """Whether it is another parameter that declares the bound: then it counts again where that is moved."""
    for mate, declared in subject.schema.parameters.items():
        size = subject.defaults[mate] or size_of(subject, mate)
        for value in (1e-3 * size, 1e3 * size):
            if mate == name or not within(declared, value):
                continue
            moved = [land.moved(**{**base, mate: value, name: each}) for each in (one, other)]
            if apart(*(land.values(each) for each in moved)):
                return True
    return False


def _share(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """The part of all states and inputs at which anything changes."""
    changed = [
        ~torch.isclose(one[key], other[key], rtol=1e-9, atol=0.0, equal_nan=True)
        for key in one
        if key in other
    ]
    return float(torch.stack(changed).any(dim=0).double().mean()) if changed else 0.0
