"""Folders that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The project."""
SHARED = ROOT.parent / "shared"
"""Larger data sets beside the project; tests that need them skip without."""
