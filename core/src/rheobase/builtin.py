"""Core's own components, offered through the same hooks as everybody's.

What a user may rely on without any plugin: Runge-Kutta methods of fixed step, the usual ways to
combine inputs, a neuron that emits real numbers, the step-by-step backend, and the usual surrogates.
"""

from __future__ import annotations

from .hookspecs import hookimpl
from .specs import AggregatorSpec, BackendSpec, IntegratorSpec, NeuronSpec, SurrogateSpec


@hookimpl
def rheobase_neurons() -> list[NeuronSpec]:
    """The neuron that needs no model."""
    return [
        NeuronSpec(
            "analog",
            "rheobase.engine.neuron.analog:AnalogNeuron",
            "emits real numbers: follows its input, or an equation of yours",
        )
    ]


@hookimpl
def rheobase_integrators() -> list[IntegratorSpec]:
    """Runge-Kutta of order 1 (Euler's method) to 4 (the classical one)."""
    module = "rheobase.engine.integrator"
    return [
        IntegratorSpec("rk1", f"{module}:rk1", "Runge-Kutta of order 1: Euler's method", order=1, stages=1),
        IntegratorSpec("rk2", f"{module}:rk2", "Runge-Kutta of order 2", order=2, stages=2),
        IntegratorSpec("rk3", f"{module}:rk3", "Runge-Kutta of order 3", order=3, stages=3),
        IntegratorSpec("rk4", f"{module}:rk4", "Runge-Kutta of order 4, the default", order=4, stages=4),
    ]


@hookimpl
def rheobase_aggregators() -> list[AggregatorSpec]:
    """The usual ways in which the inputs of one neuron combine."""
    module = "rheobase.engine.aggregate"
    return [
        AggregatorSpec(
            "sum",
            f"{module}:sum_inputs",
            "adds the inputs, the default",
            commutative=True,
            associative=True,
            identity=0.0,
        ),
        AggregatorSpec("mean", f"{module}:mean_inputs", "the inputs' mean", commutative=True),
        AggregatorSpec(
            "product",
            f"{module}:product_inputs",
            "multiplies the inputs",
            commutative=True,
            associative=True,
            identity=1.0,
        ),
        AggregatorSpec(
            "shunting",
            f"{module}:shunting_inputs",
            "adds the currents, divides by 1 + the inputs named shunt...",
        ),
    ]


@hookimpl
def rheobase_backends() -> list[BackendSpec]:
    """The truth that other backends are held against."""
    return [BackendSpec("eager", "rheobase.pipeline.eager:run", "step by step in PyTorch; any model")]


@hookimpl
def rheobase_surrogates() -> list[SurrogateSpec]:
    """What may stand for the derivative of a spike in training."""
    module = "rheobase.training.functions"
    return [
        SurrogateSpec("atan", f"{module}:atan", "S' = 1 / (1 + (pi z)^2), the default"),
        SurrogateSpec("sigmoid", f"{module}:sigmoid", "S = 1 / (1 + exp(-4 z))"),
        SurrogateSpec("fast-sigmoid", f"{module}:fast_sigmoid", "S' = 1 / (1 + 2 |z|)^2"),
        SurrogateSpec("super-spike", f"{module}:super_spike", "S' = 1 / (1 + |z|)^2"),
        SurrogateSpec("gaussian", f"{module}:gaussian", "S' = exp(-pi z^2)"),
        SurrogateSpec("triangle", f"{module}:triangle", "S' = 1 - |z| for |z| < 1, else 0"),
        SurrogateSpec("rectangle", f"{module}:rectangle", "S' = 1 for |z| < 1/2, else 0"),
    ]
