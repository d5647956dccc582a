"""What a neuron model must have declared for a property to apply to it."""

from __future__ import annotations

from ..property import Need

DECLARED = Need(lambda s: s.schema.declared, "the model declares nothing")
DERIVATIVES = Need(lambda s: s.has_derivatives, "the model defines no derivatives")
SPIKES = Need(lambda s: s.spikes, "the model is no spiking neuron")
THRESHOLD = Need(lambda s: s.has_threshold, "the model defines no threshold")
RESET = Need(lambda s: s.has_reset, "the model defines no reset")
REFRACTORY = Need(lambda s: s.refractory, "the model declares no tau_ref")
AT_REST = Need(lambda s: s.at_rest, "the model does not declare all its states at_rest")
OWN_STEPS = Need(lambda s: not s.own_forward, "the model overrides forward: its steps are its own")
DETERMINISTIC = Need(lambda s: not s.stochastic, "the model is declared stochastic, or declares a Draw")
CONTINUOUS = Need(
    lambda s: not s.discrete, "the model is declared a map (discrete = True), of which dt is no part"
)
LASTING = Need(
    lambda s: not s.schema.jumps or s.sizes.main not in s.schema.jumps,
    "what drives the model arrives as jumps: as much in each step is more in shorter ones",
)
DISCRETE = Need(lambda s: s.discrete, "the model is not declared a map (discrete = True)")
STOCHASTIC = Need(lambda s: s.stochastic, "the model is not declared stochastic, and declares no Draw")
RELEASE = Need(lambda s: callable(getattr(s.model, "release", None)), "the model defines no release")
HAZARD = Need(lambda s: callable(getattr(s.model, "hazard", None)), "the model defines no hazard")
DRAWS = Need(lambda s: bool(s.schema.draws), "the model declares no Draw")
NO_DRAWS = Need(lambda s: not s.schema.draws, "the model declares a Draw, which is counted by the clock")
DIFFERENTIABLE = Need(
    lambda s: s.differentiable,
    "the model is not differentiable by its declarations: no derivatives, a forward of its own, "
    "stochastic = True or differentiable = False",
)
PARAMETERS = Need(lambda s: bool(s.schema.parameters), "the model declares no parameters")
PRESETS = Need(lambda s: bool(s.schema.presets), "the model declares no presets")
EXPECTS = Need(
    lambda s: any(preset.expect is not None for preset in s.schema.presets.values()),
    "no preset of the model declares a published result (expect)",
)
OPTIONS = Need(lambda s: bool(s.schema.options), "the model declares no options")
VOLTAGE = Need(lambda s: "voltage" in s.schema.states, "the model has no state named voltage")
INSTALLED = Need(lambda s: bool(s.hook_module), "no hook module offers it: it was given as an object")
