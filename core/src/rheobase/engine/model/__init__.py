"""What a neuron declares, the checked values of it, and the pure functions of its model."""
