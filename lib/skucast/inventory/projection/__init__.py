"""Stock ahead: what arrives, what is sold or lost before, and the net requirement."""
