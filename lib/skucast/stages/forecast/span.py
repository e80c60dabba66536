"""The calendar that all series of a run share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from skucast.periods import Frequency, add_periods, periods_between


@dataclass(frozen=True)
class Span:
    """The calendar that all series of a run share.

    Attributes:
        first: first day of period 0.
        cutoff: first day of the last period of history.
        horizon: periods to forecast. [H]
        frequency: length of a period.
    """

    first: date
    cutoff: date
    horizon: int
    frequency: Frequency

    @property
    def n_periods(self) -> int:
        """Periods of history."""
        return periods_between(self.first, self.cutoff, self.frequency) + 1

    @property
    def last(self) -> date:
        """First day of the last forecast period."""
        return add_periods(self.cutoff, self.horizon, self.frequency)
