"""What the benchmarks share: the task, taking turns, environments, memory."""
