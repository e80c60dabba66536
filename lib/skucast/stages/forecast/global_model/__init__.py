"""Training of the model over all series."""
