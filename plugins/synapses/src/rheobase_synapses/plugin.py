"""What this distribution offers to Rheobase. Imports no torch."""

from __future__ import annotations

from rheobase import NeuronSpec, RuleSpec, SynapseSpec, hookimpl


@hookimpl
def rheobase_neurons() -> list[NeuronSpec]:
    """What sends spikes: of itself, or those that it receives."""
    sources = "rheobase_synapses.sources."
    return [
        NeuronSpec("poisson", sources + "poisson:Poisson", "spikes at random times"),
        NeuronSpec("spike-times", sources + "spike_times:SpikeTimes", "spikes at given times"),
        NeuronSpec("relay", sources + "relay:Relay", "spikes when one arrives"),
    ]


@hookimpl
def rheobase_rules() -> list[RuleSpec]:
    """Who is connected with whom: all, by degree, by number, or by chance."""
    degrees, totals = "rheobase_synapses.rules.degrees:", "rheobase_synapses.rules.totals:"
    whole, chances = "rheobase_synapses.rules.whole:", "rheobase_synapses.rules.chances:"
    return [
        RuleSpec(
            "all-to-all",
            whole + "all_to_all",
            "every source to every target",
            indegree=True,
            outdegree=True,
            total=True,
            symmetric=True,
        ),
        RuleSpec(
            "one-to-one",
            whole + "one_to_one",
            "source k to target k",
            indegree=True,
            outdegree=True,
            total=True,
            symmetric=True,
        ),
        RuleSpec("bernoulli", chances + "bernoulli", "each pair with probability p, at most once"),
        RuleSpec(
            "fixed-indegree",
            degrees + "fixed_indegree",
            "each target from so many sources",
            indegree=True,
            total=True,
        ),
        RuleSpec(
            "fixed-outdegree",
            degrees + "fixed_outdegree",
            "each source to so many targets",
            outdegree=True,
            total=True,
        ),
        RuleSpec(
            "distance",
            "rheobase_synapses.rules.distances:distance",
            "each pair by a probability that falls with its distance",
        ),
        RuleSpec("fixed-total", totals + "fixed_total", "so many connections in all", total=True),
    ]


@hookimpl
def rheobase_synapses() -> list[SynapseSpec]:
    """What a spike does: a jump, a current, or a conductance with a reversal potential."""
    currents, conductances = (
        "rheobase_synapses.kinetics.currents:",
        "rheobase_synapses.kinetics.conductances:",
    )
    specs = [
        ("delta", currents + "Delta", "a jump of the voltage, in mV"),
        ("exponential", currents + "Exponential", "a current that decays, in pA"),
        ("alpha", currents + "Alpha", "a current with the shape t exp(-t), in pA"),
        ("double-exponential", currents + "DoubleExponential", "a current that rises and decays, in pA"),
        (
            "conductance-exponential",
            conductances + "ConductanceExponential",
            "a conductance that decays, in nS",
        ),
        (
            "conductance-alpha",
            conductances + "ConductanceAlpha",
            "a conductance with the shape t exp(-t), in nS",
        ),
        (
            "conductance-double-exponential",
            conductances + "ConductanceDoubleExponential",
            "a conductance that rises and decays, in nS",
        ),
        (
            "nmda",
            "rheobase_synapses.kinetics.nmda:NMDA",
            "a conductance that magnesium blocks (Jahr and Stevens), in nS",
        ),
    ]
    of_sources = [
        (
            "nmda-saturating",
            "rheobase_synapses.kinetics.nmda:SaturatingNMDA",
            "the same with a gate that saturates (Wang), in nS",
        ),
        (
            "tsodyks-markram",
            "rheobase_synapses.kinetics.short_term:TsodyksMarkram",
            "a current with short-term depression and facilitation, in pA",
        ),
    ]
    return [
        *(SynapseSpec(*each, additive=True, linear=True) for each in specs),
        *(SynapseSpec(*each, additive=True, linear=True, per="source") for each in of_sources),
    ]
