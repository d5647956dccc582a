"""Connection rules and synapse kinetics for Rheobase."""
