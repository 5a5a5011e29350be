"""Training of the number-plate detector."""
