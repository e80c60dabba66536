"""How many random cases a law is tried on."""

from __future__ import annotations

from hypothesis import settings

examples = settings(deadline=None)
