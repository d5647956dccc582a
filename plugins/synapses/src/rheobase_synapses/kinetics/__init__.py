"""The kinetics: what a spike does to the unit that it reaches."""
