"""Rolling origins: what each candidate would have said, and how far it was from what came."""
