"""Several seasons at once: days, weeks and years."""
