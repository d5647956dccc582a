"""Contract and metadata: what a model says of itself."""

from __future__ import annotations

from ...errors import ParameterError
from ..property import prop
from ..violation import violated
from .case import NeuronCase
from .needs import PARAMETERS
from .subject import NeuronSubject


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
