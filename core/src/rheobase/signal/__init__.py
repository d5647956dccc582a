"""Values over time, which know no neuron: signals, and the stimuli (public as :mod:`rheobase.stimulus`)."""
