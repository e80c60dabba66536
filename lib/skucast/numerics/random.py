"""Numbers that look random and depend on a seed and a count alone, in compiled loops.

Source: Steele, Lea & Flood (2014), "Fast splittable pseudorandom number generators", SplitMix64.
"""

from __future__ import annotations

import numpy as np

from skucast.numerics.compiled import compiled

GAMMA = np.uint64(0x9E3779B97F4A7C15)
"""Distance of the states of neighbouring counts."""


@compiled
def mixed(state: np.uint64) -> np.uint64:
    """Bits of a state well mixed."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@compiled
def uniform(seed: np.uint64, count: int) -> float:
    """The ``count``-th number in [0, 1) of a seed; streams of neighbouring seeds do not overlap."""
    return float(mixed(mixed(seed) + np.uint64(count + 1) * GAMMA) >> np.uint64(11)) * 2.0**-53


@compiled
def turn(seed: int, step: int, n: int) -> int:
    """A number from 0 to n − 1 of a seed and a step."""
    return int(mixed(np.uint64(seed) + GAMMA * np.uint64(step + 1)) % np.uint64(n))
