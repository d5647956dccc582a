"""The hooks through which a plugin offers components.

A plugin is a module with one or more of these functions, marked by ``@rheobase.hookimpl``, and an
entry point in the group ``rheobase`` that names the module::

    [project.entry-points.rheobase]
    my-model = "my_package.plugin"

Keep that module and its parent packages free of torch and of model code: it is imported to list
what is installed, and the objects that it names are imported only when they are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from .marker import hookimpl
from .specs import PROJECT

if TYPE_CHECKING:
    from .specs import (
        AggregatorSpec,
        BackendSpec,
        IntegratorSpec,
        NeuronSpec,
        RuleSpec,
        SurrogateSpec,
        SynapseSpec,
    )

__all__ = [
    "hookimpl",
    "hookspec",
    "rheobase_aggregators",
    "rheobase_backends",
    "rheobase_integrators",
    "rheobase_neurons",
    "rheobase_rules",
    "rheobase_surrogates",
    "rheobase_synapses",
]

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def rheobase_neurons() -> Sequence[NeuronSpec]:  # type: ignore[empty-body]
    """Offer neuron models. Called when components are listed or a name is first resolved.

    Returns:
        A spec for each model; its target is a subclass of ``rheobase.Neuron``.

    Example:
        >>> from rheobase.hookspecs import hookimpl
        >>> from rheobase.specs import NeuronSpec
        >>> @hookimpl
        ... def rheobase_neurons():
        ...     return [NeuronSpec("adex", "adex_model.neuron:AdEx", "adaptive exponential")]
    """


@hookspec
def rheobase_integrators() -> Sequence[IntegratorSpec]:  # type: ignore[empty-body]
    """Offer integrators. Called when components are listed or a name is first resolved.

    Returns:
        A spec for each integrator; its target is a subclass of ``rheobase.Integrator``, or a
        function that makes one, called with the user's keyword arguments.

    What a spec claims is held against what the integrator does:

    - ``order`` is that of smooth coupled problems that may depend on time, at a fixed step; an adaptive
      method takes a setting ``fixed_step`` (ms) for that.
    - ``dense_order`` is that of a method ``trajectory(field, y, times, *, t0=None)``: the states
      ``[T, D, *batch, units]`` at the times ``[T]``, from steps that do not stop at them.
    - A tolerance, a setting ``rtol`` or ``atol``, is for each unit and variable: ``atol + rtol
      max(|y before|, |y after|)``, and the largest error over the variables of a unit decides. With
      ``per_unit`` no unit's result depends on another's.
    - ``t1`` is hit exactly. A crossing is g < 0 before and g >= 0 after, in ``(t0, t1]``; a reset at ``t1``
      belongs to the call that ends there. Breakpoints of the input never lie within a call.
    - What fails for some units is a :class:`rheobase.Status` for each, or an error of ``rheobase.errors``
      that names them; never a number that looks like a result.

    Example:
        >>> from rheobase.hookspecs import hookimpl
        >>> from rheobase.specs import IntegratorSpec
        >>> @hookimpl
        ... def rheobase_integrators():
        ...     return [IntegratorSpec("heun", "heun_plugin.heun:Heun", "explicit", order=2)]
    """


@hookspec
def rheobase_aggregators() -> Sequence[AggregatorSpec]:  # type: ignore[empty-body]
    """Offer aggregators. Called when components are listed or a name is first resolved.

    Returns:
        A spec for each aggregator; its target is a callable ``(inputs, identifiers) -> Tensor``.

    Example:
        >>> from rheobase.hookspecs import hookimpl
        >>> from rheobase.specs import AggregatorSpec
        >>> @hookimpl
        ... def rheobase_aggregators():
        ...     return [AggregatorSpec("max", "my_package.max:largest", commutative=True)]
    """


@hookspec
def rheobase_backends() -> Sequence[BackendSpec]:  # type: ignore[empty-body]
    """Offer backends. Called when components are listed or a name is first resolved.

    Returns:
        A spec for each backend; its target is a callable that runs many steps of a model.

    - It is called as ``run(neuron, drive, steps, *, record, grad, progress, every)``, always with all of
      these, and returns the recording: spikes of all steps, and traces of every ``every``-th one.
    - It agrees with ``eager``, or raises ``NotImplementedError`` with the reason before it changes anything.
      ``backend="auto"`` then goes on to the next one, and warns once where that is ``eager``; asked for by
      name, the reason is a :class:`rheobase.errors.BackendError`.
    - It checks the values of the drive itself, or calls ``drive.check()`` before it changes anything. One
      that checks them in its kernel calls ``drive.check()`` when it has met one that is not finite, to raise
      the error; the neuron is then as it was.
    - Where the object has a callable attribute ``pays(neuron, drive, steps, *, record, grad) -> bool``,
      ``"auto"`` asks it first; if it gives False, the next backend is tried, without a warning or a note.

    Example:
        >>> from rheobase.hookspecs import hookimpl
        >>> from rheobase.specs import BackendSpec
        >>> @hookimpl
        ... def rheobase_backends():
        ...     return [BackendSpec("fused", "my_package.backend:run", "compiled kernels")]
    """


@hookspec
def rheobase_synapses() -> Sequence[SynapseSpec]:  # type: ignore[empty-body]
    """Offer synapses. Called when components are listed or a name is first resolved.

    Returns:
        A spec for each synapse; its target is a subclass of ``rheobase.Synapse``, or of
        ``rheobase.Plasticity``, which changes weights (``plastic=True, per="synapse"``).

    Example:
        >>> from rheobase.hookspecs import hookimpl
        >>> from rheobase.specs import SynapseSpec
        >>> @hookimpl
        ... def rheobase_synapses():
        ...     return [SynapseSpec("exponential", "my_package.kinetics:Exponential", additive=True)]
    """


@hookspec
def rheobase_rules() -> Sequence[RuleSpec]:  # type: ignore[empty-body]
    """Offer connection rules. Called when components are listed or a name is first resolved.

    Returns:
        A spec for each rule; its target is a function
        ``rows(first, last, sources, targets, key, *, same, positions, **parameters)``.

    - It gives ``(indptr, indices)``, int64: the sources of target ``first + i``, sorted, are
      ``indices[indptr[i]:indptr[i + 1]]``.
    - It is pure: a target has the same sources whatever range is asked for, and what is drawn follows from
      the key, an integer of 128 bits for Philox4x64, and from the target.
    - ``same`` says that source and target are one population; ``positions`` are those of both, or None.

    Example:
        >>> from rheobase.hookspecs import hookimpl
        >>> from rheobase.specs import RuleSpec
        >>> @hookimpl
        ... def rheobase_rules():
        ...     return [RuleSpec("ring", "my_package.rules:ring", indegree=True, outdegree=True, total=True)]
    """


@hookspec
def rheobase_surrogates() -> Sequence[SurrogateSpec]:  # type: ignore[empty-body]
    """Offer surrogates. Called when components are listed or a name is first resolved.

    Returns:
        A spec for each surrogate; its target is a function ``S(z)`` of a tensor.

    - It is applied pointwise, and gives a tensor of the same shape, type and device.
    - It is finite for every finite z, never falls, and S'(0) = 1. Its derivative is autograd's.
    - Width and height are not its business: ``rheobase.surrogate`` makes ``height S(u / width)`` of it.

    Example:
        >>> from rheobase.hookspecs import hookimpl
        >>> from rheobase.specs import SurrogateSpec
        >>> @hookimpl
        ... def rheobase_surrogates():
        ...     return [SurrogateSpec("tanh", "torch:tanh", "S' = 1 / cosh(z)^2")]
    """
