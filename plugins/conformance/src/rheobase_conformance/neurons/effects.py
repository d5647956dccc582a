"""Effect: what a model declares changes what it does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from rheobase.errors import RheobaseError
from rheobase.spi import FUNCTIONS, of_framework
from torch import Tensor

from ..property import prop
from ..violation import violated
from .case import NeuronCase, within
from .cases import rounded
from .landscape import Landscape
from .needs import DECLARED
from .probing import driven
from .received import REFUSALS, sources
from .running import copied, declared_state
from .subject import NeuronSubject
from .using import function_of, names_in

SEEN = 1e-9
"""The least that counts as a change, relative to the value and to what is usual for it: adding something and
taking it away again leaves rounding."""

FACTORS = (4.0, 0.25, 1.1, 0.5, 2.0, 10.0, 0.1, 100.0, 0.01, 1e3, 1e-3, 1e-6, 0.0, -1.0)
"""A parameter is moved to these parts of its default, as far as its domain goes: a bound that is far beyond
what the model goes through has an effect where it comes near."""

RUN, LONG = 5, 2
"""How many of them are tried in runs, and in runs five times as long, where the functions show nothing."""

STRENGTHS = (0.0, 0.6, 1.5, 3.0, 10.0, 30.0, -1.0, -10.0)
"""The inputs of a run, one for each unit, in parts of what moves the model; they end after three quarters."""

STEPS = (60, 200)
"""The fewest and the most steps of such a run; it lasts for two latencies."""

_STEPPING = {
    *FUNCTIONS,
    "forward",
    "aggregate",
    "inject",
    "prepare",
    "reset_state",
    "integrate",
    "commit",
    "step",
}


@prop(
    "neuron",
    "declarations-have-effect",
    "contract",
    needs=(DECLARED,),
    why="a parameter that is read and comes to nothing can be fitted to any data, and tells nothing",
)
def every_declaration_changes_something(subject: NeuronSubject) -> None:
    """Each parameter, option, draw and input, moved far, changes what the model does or begins with."""
    trial = _Trial(subject)
    for name in subject.schema.parameters:
        if not _is_engines(subject, name) and not trial.parameter_counts(name):
            tried = ", ".join(f"{value:g}" for value in moves(subject, name)[:RUN])
            violated(
                f"the parameter {name!r} has no effect: {tried} and others in place of "
                f"{subject.defaults[name]:g} {subject.schema.parameters[name].unit} {trial.told}; use it, "
                "or drop it"
            )
    for name, option in subject.schema.options.items():
        if not trial.option_counts(name):
            violated(
                f"the option {name!r} has no effect: {', '.join(map(repr, option.choices))} are one model, "
                f"they {trial.told}; use it, or drop it"
            )
    for name in subject.schema.draws:
        if not trial.draw_counts(name):
            violated(f"the draw {name!r} has no effect: other numbers {trial.told}; use it, or drop it")
    for name in subject.schema.inputs:
        if not trial.input_counts(name):
            violated(f"the input {name!r} has no effect: other values {trial.told}; use it, or drop it")


def _is_engines(subject: NeuronSubject, name: str) -> bool:
    """Whether it is the engine that reads a parameter: other properties are about the refractory period."""
    return name == "tau_ref" and subject.has_threshold and not subject.own_forward


def moves(subject: NeuronSubject, name: str) -> list[float]:
    """Values of a parameter other than its default, in its domain: first those that are near."""
    declared, default = subject.schema.parameters[name], subject.defaults[name]
    size = default or size_of(subject, name)
    values = [size * factor for factor in FACTORS] + ([size] if default == 0 else [])
    domain = declared.domain
    values += [bound for bound in (domain.at_least, domain.at_most) if bound is not None]
    if domain.lowest is not None and domain.highest is not None:
        values.append(0.5 * (domain.lowest + domain.highest))
    return [each for each in dict.fromkeys(values) if each != default and within(declared, each)]


def size_of(subject: NeuronSubject, name: str) -> float:
    """What counts as much of a parameter whose default is zero: as the others of its unit are large."""
    schema = subject.schema.parameters
    if highest := schema[name].domain.highest:
        return 0.5 * highest
    mates = [abs(subject.defaults[other]) for other, each in schema.items() if each.unit == schema[name].unit]
    return next((0.3 * each for each in mates if each), 1.0)


def awake(subject: NeuronSubject, sign: float = 1.0) -> dict[str, float]:
    """A value for each parameter whose default is zero, behind which a part of the model may be asleep."""
    found = {}
    for name, declared in subject.schema.parameters.items():
        if subject.defaults[name] == 0 and name != "tau_ref":
            value = rounded(sign * size_of(subject, name))
            value = value if within(declared, value) else -value
            if within(declared, value):
                found[name] = value
    return found


def apart(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether two tables of values differ by more than rounding, anywhere."""
    if one.keys() != other.keys():
        return True
    for key, value in one.items():
        a, b = torch.broadcast_tensors(value.to(torch.float64), other[key].to(torch.float64))
        finite = a.isfinite() & b.isfinite()
        usual = a[finite].abs().median() if bool(finite.any()) else a.new_zeros(())
        size = torch.maximum(a.abs(), b.abs()).clamp(min=usual)
        if bool((a.isfinite() != b.isfinite()).any()) or bool((finite & ((a - b).abs() > SEEN * size)).any()):
            return True
    return False


class _Trial:
    """What a model does, and what it does otherwise where a declaration is moved.

    The functions are asked first, at many states; runs only where these show nothing, and of models that
    make their steps themselves.

    Args:
        subject: The model.
    """

    def __init__(self, subject: NeuronSubject) -> None:
        self.subject = subject
        self.told = "leave every state and spike of a run the same"
        self.elsewhere = _read_elsewhere(subject.model)
        options = subject.schema.options
        chosen = [dict(zip(options, each, strict=True)) for each in _choices(options)]
        self.chosen: list[dict[str, str]] = chosen
        self.landscapes = []
        if not subject.own_forward:
            self.landscapes = [Landscape(subject, each) for each in chosen]
            self.told = (
                f"leave all functions the same at {self.landscapes[0].count} states and inputs, "
                "and every state and spike of a run"
            )
        self.usual: dict[str, list[dict[str, Tensor]]] = {}
        self.bases = [{}, awake(subject), awake(subject, -1.0)]
        if not self.bases[1]:
            self.bases = [{}]

    def parameter_counts(self, name: str) -> bool:
        """Whether a parameter has an effect; also where that cannot be seen from outside."""
        values = moves(self.subject, name)
        if not values or name in self.elsewhere:
            return True
        for base, land in itertools.product(self.bases, self.landscapes):
            before = land.values(land.moved(**base))
            if any(apart(before, land.values(land.moved(**{**base, name: value}))) for value in values):
                return True
        if any(self._begins_otherwise(name, value) for value in values):
            return True
        return any(
            self._runs_otherwise({**options, **base}, {**options, **base, name: value}, longer)
            for longer, few in ((1, values[:RUN]), (5, values[:LONG]))
            for options, base in itertools.product(self.chosen, self.bases)
            for value in few
        )

    def option_counts(self, name: str) -> bool:
        """Whether not all choices of an option are one model."""
        if name in self.elsewhere:
            return True
        first, *others = self.subject.schema.options[name].choices
        for land, base in itertools.product(self.landscapes, self.bases):
            before = land.moved(**base)._replace(**{name: first})
            values = land.values(before)
            if any(apart(values, land.values(before._replace(**{name: other}))) for other in others):
                return True
        return any(
            self._begins_otherwise(name, other)
            or self._runs_otherwise({**options, name: first}, {**options, name: other}, 1)
            for options in self.chosen
            for other in others
        )

    def draw_counts(self, name: str) -> bool:
        """Whether other random numbers make another result, or another beginning."""
        schema = self.subject.schema
        declared: tuple[Any, ...] = (*schema.states.values(), *schema.parameters.values())
        for each in declared:
            if callable(each.default) and name in names_in(each.default):
                return True
        for land, base in itertools.product(self.landscapes, self.bases):
            before = land.moved(**base)
            other = before._replace(**{name: getattr(before, name).roll(1, -1)})
            if apart(land.values(before), land.values(other)):
                return True
        return not self.landscapes

    def input_counts(self, name: str) -> bool:
        """Whether what a model receives by an input makes a difference."""
        for land, base in itertools.product(self.landscapes, self.bases):
            params, value = land.moved(**base), getattr(land.data, name)
            other = land.data._replace(**{name: value.roll(1, -1)})
            if apart(land.values(params), land.values(params, other)):
                return True
        return any(
            self._runs_otherwise({**options, **base}, {**options, **base}, longer, without=name)
            for longer in (1, 5)
            for options, base in itertools.product(self.chosen, self.bases)
        )

    def _begins_otherwise(self, name: str, value: Any) -> bool:
        """Whether a neuron has other states at first, or other parameters that follow."""
        subject = self.subject
        first = NeuronCase(dt=subject.dt).neuron(subject.model)
        try:
            second = NeuronCase(dt=subject.dt, params={name: value}).neuron(subject.model)
        except (RheobaseError, ValueError):
            return False
        names = [each for each in (*subject.schema.parameters, *subject.schema.states) if each != name]
        return apart(*({each: getattr(made, each).detach() for each in names} for made in (first, second)))

    def _runs_otherwise(
        self, one: Mapping[str, Any], other: Mapping[str, Any], longer: int, without: str = ""
    ) -> bool:
        """Whether two neurons do not go through the same states and spikes."""
        try:
            first, second = self._usual(one, longer), _course(self.subject, other, longer, without)
        except (RheobaseError, ValueError):
            return False
        spiked = [each["spiked"] for each in first if "spiked" in each]
        if self.subject.spikes and not self.landscapes and not any(bool(each.any()) for each in spiked):
            return True  # vacuous: without a spike, what only a spike shows is not seen
        return len(first) != len(second) or any(apart(a, b) for a, b in zip(first, second, strict=True))

    def _usual(self, params: Mapping[str, Any], longer: int) -> list[dict[str, Tensor]]:
        """A run that several are compared with."""
        key = repr((dict(params), longer))
        if key not in self.usual:
            self.usual = {key: _course(self.subject, params, longer, "")}
        return self.usual[key]


def _choices(options: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """All combinations of the options' choices, where there are few; else each with the first others."""
    every = [each.choices for each in options.values()]
    if len(list(itertools.product(*every))) <= 8:
        yield from itertools.product(*every)
        return
    first = [each[0] for each in every]
    yield first
    for place, choices in enumerate(every):
        for choice in choices[1:]:
            yield [*first[:place], choice, *first[place + 1 :]]


def _course(
    subject: NeuronSubject, params: Mapping[str, Any], longer: int, without: str
) -> list[dict[str, Tensor]]:
    """What the steps of a strong run give, up to an error; without the inputs, which are no results."""
    case = NeuronCase(params=params, units=len(STRENGTHS), dt=subject.dt)
    neuron = case.neuron(subject.model)
    latency = subject.latency or 0.0
    steps = longer * min(max(round(2.0 * latency / neuron.dt), STEPS[0]), STEPS[1])
    levels = torch.tensor(STRENGTHS, dtype=torch.float64)
    data: dict[str, Tensor] = {}
    for place, name in enumerate(subject.inputs):
        if name != without:
            data[name] = driven(subject, name, levels.roll(3 * place))
    given: Any = data if subject.schema.inputs else data["input"]
    quiet: Any = {} if subject.schema.inputs else torch.zeros_like(levels)
    seen, beside = [], ("input", *subject.inputs)
    with suppress(RheobaseError):
        for step in range(steps):
            out = neuron(given if step < 0.75 * steps else quiet)
            seen.append({key: value for key, value in copied(out).items() if key not in beside})
    if subject.overrides("aggregate"):
        with suppress(*REFUSALS):
            seen.append(copied(neuron(*sources(given))))
    if subject.overrides("inject"):
        with suppress(RheobaseError):
            neuron.inject(1e-2 * subject.sizes.excursion.get("voltage", 1.0))
            seen.append(declared_state(neuron))
    return seen


def _read_elsewhere(model: type) -> set[str]:
    """What public methods name that no step calls: what is read there has its effect there."""
    methods: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        if not of_framework(base) and not base.__module__.startswith(("torch.", "builtins")):
            methods.update({name: each for name, value in vars(base).items() if (each := function_of(value))})
    pending, reached = [name for name in methods if name in _STEPPING or name.startswith("_")], set()
    while pending:
        name = pending.pop()
        if name in methods and name not in reached:
            reached.add(name)
            pending += names_in(methods[name])
    return {each for name, method in methods.items() if name not in reached for each in names_in(method)}
