"""What it offers."""

from rheobase import AggregatorSpec, BackendSpec, IntegratorSpec, NeuronSpec, hookimpl


@hookimpl
def rheobase_neurons():
    return [NeuronSpec("stranger-cell", "stranger_parts.cell:Cell", "quadratic, with adaptation")]


@hookimpl
def rheobase_integrators():
    claims = {"order": 3, "stages": 4, "fsal": True, "per_unit": True}
    return [IntegratorSpec("stranger-fsal", "stranger_parts.fsal:BogackiShampine", **claims)]


@hookimpl
def rheobase_aggregators():
    return [AggregatorSpec("stranger-gated", "stranger_parts.gated:gated", "the sum, times the gates")]


@hookimpl
def rheobase_backends():
    return [BackendSpec("stranger-blocks", "stranger_parts.blocks:run", "eager's steps, in blocks")]
