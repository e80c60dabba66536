"""A policy replayed on demand that came."""
