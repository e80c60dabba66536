"""Types of the arrays of stock mathematics, and how given numbers become them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def floats(given: ArrayLike) -> FloatArray:
    """The numbers as an array of floats, of the same shape."""
    return np.asarray(given, dtype=np.float64)


def positive(**given: ArrayLike) -> list[FloatArray]:
    """The named numbers as arrays.

    Raises:
        ValueError: one that is not above 0; NaN, which stands for unknown, is let through.
    """
    return [_at_least(name, floats(value), is_zero_allowed=False) for name, value in given.items()]


def not_negative(**given: ArrayLike) -> list[FloatArray]:
    """The named numbers as arrays.

    Raises:
        ValueError: one below 0; NaN, which stands for unknown, is let through.
    """
    return [_at_least(name, floats(value), is_zero_allowed=True) for name, value in given.items()]


def refuse_infinite(**given: ArrayLike) -> None:
    """Stop before a search that would never end.

    Raises:
        ValueError: an infinite number; NaN, which stands for unknown, is let through.
    """
    for name, value in given.items():
        if np.isinf(floats(value)).any():
            raise ValueError(f"{name} must be finite, found infinity: leave unknown what is not known")


def _at_least(name: str, values: FloatArray, *, is_zero_allowed: bool) -> FloatArray:
    wrong = values < 0 if is_zero_allowed else values <= 0
    if wrong.any():
        allowed = "at least 0" if is_zero_allowed else "above 0"
        raise ValueError(f"{name} must be {allowed}, found {values[wrong].flat[0]:g}: correct the row it comes from")
    return values
