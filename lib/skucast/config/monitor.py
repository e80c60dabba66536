"""How past forecasts are reviewed, and what the next forecast makes of it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from skucast.config.fields import Probability, Section
from skucast.forecasting.monitoring.verdict import Rules


class SpreadFactors(Section):
    """Bounds of the multiplier on the width of the next forecast's intervals; 1 and 1: no multiplier."""

    lowest: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Smallest multiplier."""
    highest: Annotated[float, Field(ge=1, le=5)] = 1.5
    """Largest multiplier."""


class Monitor(Section):
    """How past forecasts are reviewed."""

    window_days: Annotated[int, Field(ge=7, le=1500)] = 182
    """Days back whose forecasts are reviewed."""
    min_windows: Annotated[int, Field(ge=2)] = 4
    """Forecasts that a review needs to find anything."""
    false_alarm_share: Annotated[float, Field(gt=0, le=0.5)] = 0.02
    """Share of sound series in which a review may find drift."""
    coverage_level: Probability = 0.9
    """Level whose coverage is reviewed."""
    spread_factors: SpreadFactors = SpreadFactors()
    """Bounds of the multiplier on the width of intervals."""
    valid_days: Annotated[int, Field(ge=1)] = 62
    """Days for which the next forecasts take notice of a review."""

    @property
    def rules(self) -> Rules:
        """As the review takes them."""
        bounds = self.spread_factors.lowest, self.spread_factors.highest
        return Rules(self.min_windows, self.false_alarm_share, self.coverage_level, bounds)

    @model_validator(mode="after")
    def _window_outlasts_the_review(self) -> Self:
        if self.valid_days > self.window_days:
            raise ValueError(f"valid_days {self.valid_days} exceeds window_days {self.window_days}")
        return self
