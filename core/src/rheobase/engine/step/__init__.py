"""One step of a declared model: pure functions of tensors."""
