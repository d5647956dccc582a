"""Making layers: of a model by name or class, with all that can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.integrator import Integrator
from ..engine.network.recipe import SynapseRecipe
from ..engine.neuron.base import Neuron
from ..errors import ArgumentError, nearest, shown
from .choices import CHOICES
from .making import neuron_for, shape_of
from .module import Layer


def layer(
    model: str | type[Neuron],
    units: int | tuple[int, ...],
    *,
    dt: float,
    learn: Iterable[str] | str = (),
    surrogate: str | Callable[[Tensor], Tensor] = "atan",
    reset: str = "detached",
    input: str = "step",  # noqa: A002 - what users call it
    output: str = "spikes",
    event: str | None = None,
    integrator: Integrator | str | None = None,
    gradient: str = "surrogate",
    recurrent: nn.Module | None = None,
    synapse: SynapseRecipe | None = None,
    backend: str = "auto",
    memory: str = "recompute",
    time: str = "first",
    preset: str | None = None,
    seed: int | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    **params: Any,
) -> Layer:
    """A model as a layer of a network that is trained: a module of torch, from a sequence to a sequence.

    The spikes are those of the model, 0 or 1. Where the derivative of a spike is asked for, it is that of a
    surrogate, S'(u) with u = g / scale, for g the model's threshold and scale = |g| at the initial state;
    and 0 while a unit is refractory.

    Args:
        model: The name of an installed model (``rheobase list``), or a subclass of ``Neuron``.
        units: How many, or a shape of units such as ``(16, 8, 8)``.
        dt: The time step, ms. One that is small beside the time constants makes for long sequences, which
            learn slowly.
        learn: The parameters that learn. What is given as a number learns one value; as a tensor,
            distribution or sweep one for each unit. Values stay within their domains.
        surrogate: A name, what :func:`rheobase.surrogate` gives, or a function S(u).
        reset: ``"detached"``: a reset is not differentiated by the spike that made it; ``"attached"``: it is.
        input: What x = 1 stands for. ``"step"``: in one dt it lifts a unit from its initial state to
            threshold; ``"rheobase"``: it is the least constant input that gives a spike within 1,000 ms;
            ``"native"``: 1 in the model's unit, such as pA. Measured once, with the values at the start. Of
            several inputs, one that fires nobody by itself is native, and the first that does takes a tensor
            x and what is recurrent. For a model without a threshold it is native.
        output: ``"spikes"``, or ``"voltage"``: the first state, less its initial value, as a share of the
            distance from threshold; of a model without one, as a share of where x = 1 leads it in the end
            (in its own unit, if that is nowhere).
        event: ``"step"`` or ``"crossing"``, see :func:`rheobase.create`. By default the first where the model
            is linear in its states, else the second; ``"located"`` with ``gradient="times"``.
        integrator: An integrator or the name of one; ``"rk4"`` by default.
        gradient: ``"surrogate"``; or ``"times"``: the output are the times of spikes, in ms since the call
            began, ``[*batch, *units, K]`` in ascending order, NaN where a unit has fewer than K, and
            their derivatives are exact. Each row of x is an input that is constant for one dt. It goes step
            by step in PyTorch, and neither ``surrogate`` nor ``reset`` plays a part.
        recurrent: A module from the last output ``[*batch, *units]`` to what adds to x.
        synapse: What events do with ``gradient="times"``, from :func:`rheobase.synapse`: it is integrated
            with the model, and a weight of 1 is what x = 1 stands for (in its own unit, if that is another).
            By default they are added at once to the state that an input of the model which arrives as a jump
            names, else to the first, and 1 is the distance from threshold.
        backend: ``"eager"``, step by step in PyTorch; the name of a backend that takes layers, such as
            ``"fused"``; or ``"auto"``: for 64 units and more the first installed one that takes this layer,
            else eager.
        memory: What a backend that runs many steps at once does about the states between, of which the
            derivative is made: ``"recompute"`` keeps some, ``"store"`` all, which is faster for a model that
            is dear. In eager autograd keeps them, whatever is given.
        time: ``"first"``: x is ``[T, *batch, *units]``; ``"second"``: ``[batch, T, *units]``.
        preset: The name of one of the model's presets.
        seed: The seed of distributions and sweeps.
        dtype: The floating-point type; float32 by default.
        device: Where its tensors live.
        **params: Parameters, options and initial states; tensors broadcast to ``units``.

    Returns:
        The layer.

    Raises:
        BackendError: If the backend that is named does not take this layer; with the reason.
        ArgumentError: If an argument cannot be used, among them a parameter that cannot learn, a surrogate
            that is flat at 0, and a model without threshold that is asked for spikes.
        ComponentError: If a name is unknown.

    Example:
        >>> import rheobase as rb, torch
        >>> layer = rb.layer("lif", 3, dt=1.0, tau_ref=0.0, learn="tau_mem")
        >>> x = torch.tensor([[0.5, 0.9, 1.2], [0.5, 0.9, 1.2]])
        >>> spikes = layer(x)
        >>> spikes.tolist()
        [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
        >>> spikes.sum().backward()
        >>> bool(layer.raw.tau_mem.grad.isfinite())
        True
    """
    given = {
        "reset": reset,
        "input": input,
        "output": output,
        "gradient": gradient,
        "backend": backend,
        "memory": memory,
        "time": time,
    }
    for name, value in given.items():
        if name in CHOICES and value not in CHOICES[name]:
            raise ArgumentError(
                f"layer: {name}={shown(value)}; it must be one of {', '.join(map(repr, CHOICES[name]))}"
                f"{nearest(str(value), CHOICES[name])}"
            )
    shape = shape_of(units)
    how = {"integrator": integrator, "preset": preset, "seed": seed, "dtype": dtype, "device": device}
    neuron = neuron_for(model, shape, event, params, timed=gradient == "times", dt=dt, **how)
    shapes = {name: value.shape for name, value in params.items() if isinstance(value, Tensor)}
    return Layer(
        neuron,
        shape,
        learn=learn,
        shapes=shapes,
        surrogate=surrogate,
        recurrent=recurrent,
        synapse=synapse,
        choices=given,
    )
