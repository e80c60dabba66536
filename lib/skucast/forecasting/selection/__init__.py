"""Which candidates a series tries, and which of them becomes its champion."""
