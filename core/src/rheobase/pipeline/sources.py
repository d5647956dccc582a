"""Several sources of one input, which the neuron's aggregator makes one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from ..engine.aggregate import Aggregator, sum_inputs
from ..engine.neuron.base import Neuron
from ..engine.neuron.timed import receive_timed
from ..errors import InputError, nearest, shown
from ..signal.signal import Signal
from ..signal.values import is_number
from ..stimulus import Stimulus, Sum
from ..torch_state import all_finite, values_visible

Source = Stimulus | Tensor | Signal
"""What gives an input, or a part of it."""


@final
@dataclass(frozen=True, eq=False)
class Sources:
    """The sources of one input: I(t) = aggregate([I_1(t), I_2(t), ...], identifiers).

    Args:
        parts: The sources, at least one.
        identifiers: Their names, in the same order; or None.
        rule: The aggregator.
    """

    parts: tuple[Source, ...]
    identifiers: list[str] | None
    rule: Aggregator

    @property
    def constant(self) -> bool:
        """Whether every row is the same."""
        return all(isinstance(part, Stimulus) and part.constant for part in self.parts)

    @property
    def added(self) -> Sum | None:
        """As one stimulus, whose rows are made many at once: of stimuli that are added; else None."""
        adds = self.rule in (sum_inputs, Neuron.aggregate)
        stimuli = tuple(part for part in self.parts if isinstance(part, Stimulus))
        return Sum(stimuli) if adds and len(stimuli) == len(self.parts) else None

    def check(self, neuron: Neuron, row: list[Tensor | Signal], where: str) -> None:
        """Make sure that the neuron could take the sources in one call.

        Args:
            neuron: The neuron.
            row: What they give in one step.
            where: The input, for messages.

        Raises:
            InputError: If they do not fit each other, or the aggregator does not take them or gives what
                is no input.
        """
        receive_timed(neuron, row, where, self.rule, self.identifiers, look=True)

    def told_of(self, neuron: Neuron, name: str, row: list[Tensor | Signal]) -> str:
        """The end of an error, where the sources are finite in one step and the aggregator makes of them what
        is not; else nothing.

        Args:
            neuron: The neuron.
            name: The input.
            row: What the sources give in that step.
        """
        values = [each for each in row if isinstance(each, Tensor)]
        if len(values) < len(row) or not all(map(values_visible, values)) or not all(map(all_finite, values)):
            return ""
        try:
            made = self.combined(row, neuron.device)
        except Exception:
            # They do not fit, or it wants what projections bring: whoever asks has an error of that.
            return ""
        if not isinstance(made, Tensor) or all_finite(made):
            return ""
        rule = (neuron._input_rules[name][1] if name else None) or neuron.provenance["aggregator"]
        whose = f"sources {', '.join(map(repr, self.identifiers))}" if self.identifiers else "sources"
        return f"; the {whose} are finite, and what the aggregator {rule.name!r} makes of them is not"

    def combined(self, row: list[Tensor | Signal], device: torch.device) -> Tensor | Signal:
        """What the aggregator makes of one step.

        Args:
            row: What the sources give in that step.
            device: Where the neuron is.

        Returns:
            A tensor; where one of the sources is a signal, a signal, in which the others are held.
        """
        signals = [each for each in row if isinstance(each, Signal)]
        if not signals:
            return self.rule(row, self.identifiers)  # type: ignore[arg-type]

        def value(values: list[Tensor], t: Any) -> Tensor:
            # A value for all units comes from no device in particular.
            found = iter([each.to(device) if each.ndim == 0 else each for each in values])
            inputs = [next(found) if isinstance(each, Signal) else each for each in row]
            return self.rule(inputs, self.identifiers)

        # The joined signal has the breakpoints of all of them.
        return signals[0].joined(signals[1:], value)


def inputs_of(stimulus: object, neuron: Neuron, source: Callable[[Any, str], Source]) -> dict[str, Any]:
    """Input -> source, or :class:`Sources`; for a model whose one input has no name, under ``""``."""
    known = list(neuron.schema.inputs)
    if len(known) > 1 and isinstance(stimulus, (list, tuple)):
        raise InputError(
            f"the stimulus is a list of sources, and the model has the inputs {', '.join(known)}; "
            "give a mapping by these names, of a source, a list of them, or a mapping by identifier"
        )
    by_input = False
    given: Mapping[Any, Any] = {known[0] if known else "": stimulus}
    if isinstance(stimulus, Mapping) and known:
        by_input = is_by_input(stimulus, known)
        if by_input:
            given = stimulus
        elif known[0] in stimulus:
            raise InputError(
                f"the stimulus names the model's input {known[0]!r} beside other sources; for several "
                f"sources of it give {{{known[0]!r}: {{identifier: source, ...}}}}"
            )
    if known:
        check_inputs_named(given, known)
    if not given:
        raise InputError(f"the stimulus is an empty mapping; give at least one of: {', '.join(known)}")
    return {
        name: _input(neuron, name, part, source, f"{name}: " if by_input else "")
        for name, part in given.items()
    }


def is_by_input(given: Any, known: Collection[str]) -> bool:
    """Whether a mapping is by the model's inputs, and not by identifiers of the sources of its only one."""
    # With one input these look alike: it is by input where that name stands alone.
    return bool(known) and isinstance(given, Mapping) and (len(known) > 1 or set(given) == set(known))


def check_inputs_named(given: Mapping[Any, Any], known: Collection[str]) -> None:
    """Refuse an input that the model does not have; the error names the nearest."""
    for name in given:
        if name not in known:
            raise InputError(
                f"the stimulus names the input {shown(name)}, which the model does not have"
                f"{nearest(str(name), known)}; its inputs are: {', '.join(known)}"
            )


def _input(neuron: Neuron, name: str, given: Any, source: Callable[[Any, str], Source], where: str) -> Any:
    if isinstance(given, Tensor):
        return source(given, where)
    if isinstance(given, Mapping):
        for identifier in given:
            if not isinstance(identifier, str):
                raise InputError(f"{where}the identifier {shown(identifier)} is no text; give a name")
        identifiers: list[str] | None = list(given)
        parts: Sequence[Any] = list(given.values())
        places = [f"{where}{identifier}: " for identifier in given]
    elif isinstance(given, (list, tuple)):
        identifiers, parts = None, given
        places = [f"{where}source {place}: " for place in range(len(given))]
        if given and all(map(is_number, given)):
            raise InputError(
                f"{where}the stimulus is a list of numbers; a list holds several sources; "
                "for one value for each unit give torch.tensor([...]), for several sources a mapping, "
                '{"soma": 300.0, "dendrite": 20.0}, or stimuli, [stimulus.Constant(300.0), ...]'
            )
    else:
        return source(given, where)
    if not parts:
        raise InputError(f"{where}the stimulus has no sources; give one or more")
    made = tuple(source(part, place) for part, place in zip(parts, places, strict=True))
    return Sources(made, identifiers, neuron._rule_of(name))
