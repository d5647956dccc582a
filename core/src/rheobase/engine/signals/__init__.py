"""Input that changes within a step, and the pieces of a step between its jumps."""
