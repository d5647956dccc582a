"""The sum of the inputs, times those whose identifier begins with a gate's name."""

from rheobase.errors import InputError


def gated(inputs, identifiers=None):
    """I = (sum of the others) x (product of the inputs called "gate...")."""
    if identifiers is None:
        identifiers = [""] * len(inputs)
    if len(identifiers) != len(inputs):
        raise InputError(f"{len(inputs)} inputs have {len(identifiers)} identifiers")
    total, gate = 0.0, 1.0
    for name, value in zip(identifiers, inputs, strict=True):
        if name.startswith("gate"):
            gate = gate * value
        else:
            total = total + value
    return total * gate
