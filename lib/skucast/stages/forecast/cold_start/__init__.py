"""Series too short to be scored: the prior that all others give them."""
