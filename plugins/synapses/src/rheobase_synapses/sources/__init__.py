"""What sends spikes and receives none."""
