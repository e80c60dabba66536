"""A policy replayed on held-out demand."""
