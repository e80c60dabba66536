"""What a review of past forecasts can find, when it does, and what the next forecast makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReviewOutcome(StrEnum):
    """What a review finds. The value is what the tables store."""

    TOO_FEW = "too_few"
    STABLE = "stable"
    BIASED_LOW = "biased_low"
    BIASED_HIGH = "biased_high"
    DRIFTED = "drifted"
    UNDER_COVERED = "under_covered"
    OVER_COVERED = "over_covered"


NONE, RECALIBRATE, RESELECT = "none", "recalibrate", "reselect"
ACTIONS: dict[ReviewOutcome, str] = {
    ReviewOutcome.TOO_FEW: NONE,
    ReviewOutcome.STABLE: NONE,
    ReviewOutcome.BIASED_LOW: RESELECT,
    ReviewOutcome.BIASED_HIGH: RESELECT,
    ReviewOutcome.DRIFTED: RESELECT,
    ReviewOutcome.UNDER_COVERED: RECALIBRATE,
    ReviewOutcome.OVER_COVERED: RECALIBRATE,
}
"""What the next forecast does about a series."""


@dataclass(frozen=True)
class Rules:
    """When something is found.

    Attributes:
        min_windows: scores, or windows, that a verdict on a series needs.
        false_alarm_share: share of the series without drift, bias or miscoverage that are found to have one, at most.
        coverage_level: the coverage of the nearest quantile level is tested.
        bounds: smallest and largest spread factor.
    """

    min_windows: int
    false_alarm_share: float
    coverage_level: float
    bounds: tuple[float, float]

    @property
    def share_of_test(self) -> float:
        """Of each of the three tests of a series: mean score, CUSUM, coverage."""
        return self.false_alarm_share / 3


def words(verdict: ReviewOutcome) -> str:
    """As a phrase begins."""
    return str(verdict).replace("_", " ")
