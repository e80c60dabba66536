"""How order lines become demand."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import model_validator

from skucast.calendars import Region
from skucast.config.fields import Positive, Section, Share, Weekday


class Outliers(Section):
    """Which demands are out of line, and what methods see of them."""

    method: Literal["none", "iqr", "zscore", "hampel"] = "hampel"
    """Rule that marks a period as an outlier in table `demand`."""
    limit: Positive = 6.0
    """Distance from the centre, in spreads of the rule, from which a period is an outlier."""
    treatment: Literal["robust", "flag", "cap"] = "robust"
    """`robust`: isolated bursts count to a credible size. `flag`: outliers are only marked. `cap`: methods see the
    limit."""


class Exceptional(Section):
    """Orders far beyond the usual size that make their period."""

    treatment: Literal["exclude", "include", "cap", "share"] = "exclude"
    """What base demand keeps of each: `exclude` a usual order, `cap` the largest order that is not exceptional, `share`
    a usual order and `share` of the rest, `include` all of it."""
    share: Share = 0.5
    """Share of the rest that `share` keeps."""
    limit: Positive = 4.0
    """Robust standard deviations, of the logarithm of order sizes and of the item's periods, from which an order is
    exceptional."""


class Keeping(Section):
    """Whose public holidays are kept."""

    country: str
    """Country, ISO 3166-1 alpha-2."""
    subdivision: str | None = None
    """Part of the country, by the code of the package `holidays`."""

    @property
    def region(self) -> Region:
        """As the calendar takes it."""
        return Region(self.country, self.subdivision)

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if problem := self.region.problem():
            raise ValueError(problem)
        return self


class Holidays(Section):
    """Public holidays, as events that are always known."""

    everywhere: Keeping | None = None
    """Holidays of every location without its own."""
    locations: dict[str, Keeping] = {}
    """Location → its own holidays."""


class Demand(Section):
    """How order lines become demand."""

    holidays: Holidays = Holidays()
    """Public holidays of the locations."""
    closed_weekdays: tuple[Weekday, ...] = ()
    """Days of the week without trade, 1 = Monday."""
    closed_dates: tuple[date, ...] = ()
    """Days without trade."""
    gaps: Literal["zero", "unknown"] = "zero"
    """What a period without a line means: no demand, or not known."""
    outliers: Outliers = Outliers()
    """Which demands are out of line."""
    exceptional: Exceptional = Exceptional()
    """Orders far beyond the usual size."""
