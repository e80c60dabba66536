"""What drives demand beside its own past, as it came to be known: every origin sees what it knew, without a gap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Fill(StrEnum):
    """What a period has of which nothing is known."""

    ZERO = "zero"
    """Nothing: no promotion."""
    USUAL = "usual"
    """The mean of what is known: the weather of a day without a forecast."""
    HELD = "held"
    """The last one, 0 before the first; values are realised, so an origin knows those of its past: a price."""


@dataclass(frozen=True)
class Record:
    """Values of a driver with the time at which each became known.

    Attributes:
        values: shape (n_places, n_periods + horizon), NaN where none is recorded.
        place: row of ``values`` of each series, shape (n_series,).
        fill: what stands where nothing is known.
        known_from: periods an origin must know to know the value (0: always), shaped as ``values``; None: always.
        plan: values known to every origin, in the unit of ``values`` and of their shape, NaN where there is none; only
            with ``Fill.HELD``. A held value moves with its plan; where a plan begins, it counts as it stands.
        reach: steps ahead that are known at the end of the history, shape (n_places,): no origin knows more. None: all.
    """

    values: FloatArray
    place: IntArray
    fill: Fill
    known_from: IntArray | None = None
    plan: FloatArray | None = None
    reach: IntArray | None = None

    def at(self, origin: int, horizon: int) -> FloatArray:
        """What an origin that knew ``origin`` periods takes for the driver, shape (n_series, origin + horizon)."""
        known = self._known(origin, origin + horizon)
        if self.fill is Fill.HELD:
            plan = np.full(known.shape, np.nan) if self.plan is None else self.plan[:, : known.shape[1]]
            filled = carried(known, plan)
            return np.nan_to_num(filled - _usual(known))[self.place]
        usual = np.nan_to_num(_usual(known)) if self.fill is Fill.USUAL else np.zeros((known.shape[0], 1))
        return np.where(np.isnan(known), usual, known)[self.place]

    def rows(self, index: IntArray) -> Record:
        """The series at ``index``."""
        return replace(self, place=self.place[index])

    def _known(self, origin: int, width: int) -> FloatArray:
        """Values that the origin knew, NaN for the others, shape (n_places, width)."""
        period, values = np.arange(width), self.values[:, :width]
        is_known = np.isfinite(values)
        if self.fill is Fill.HELD:
            is_known &= period < origin
        if self.known_from is not None:
            is_known &= self.known_from[:, :width] <= origin
        if self.reach is not None:
            is_known &= period < origin + self.reach[:, None]
        return np.where(is_known, values, np.nan)


def carried(values: FloatArray, plan: FloatArray) -> FloatArray:
    """Each value carried on until the next, moved by the changes of its plan; NaN before the first of either.

    Args:
        values: shape (n, width), NaN where unknown.
        plan: of the same shape, NaN where there is none. Where it begins it stands for a value that is not known.
    """
    has_plan = np.isfinite(plan)
    change = np.zeros_like(plan)
    change[:, 1:] = np.where(has_plan[:, 1:] & has_plan[:, :-1], plan[:, 1:] - plan[:, :-1], 0.0)
    begins = has_plan.copy()
    begins[:, 1:] &= ~has_plan[:, :-1]
    moved = np.cumsum(change, axis=1)
    anchor = np.where(np.isfinite(values), values, np.where(begins, plan, np.nan)) - moved
    last = np.maximum.accumulate(np.where(np.isfinite(anchor), np.arange(plan.shape[1]), -1), axis=1)
    held = np.take_along_axis(anchor, np.maximum(last, 0), axis=1)
    return np.where(last < 0, np.nan, held + moved)


def _usual(known: FloatArray) -> FloatArray:
    """Mean of the known values of each row, shape (n_places, 1); NaN without any."""
    is_known = ~np.isnan(known)
    count = is_known.sum(axis=1, keepdims=True)
    total = np.where(is_known, known, 0.0).sum(axis=1, keepdims=True)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
