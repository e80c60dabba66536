"""Prophet's own posterior mode, in batches."""
