"""Series too short to be scored: a prior from all other series, updated by what was sold since."""
