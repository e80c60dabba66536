"""Tables that a company delivers."""
