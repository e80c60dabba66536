"""One folder per stage. Only its stage.py knows configuration, store and clock; the rest maps frames to frames."""
