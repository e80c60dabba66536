"""Public holidays, and the feasts that move through the year. Pure; no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

FEASTS: dict[str, tuple[int, int]] = {
    "easter": (-6, 2),
    "ramadan": (-7, 3),
    "lunar_new_year": (-6, 3),
    "diwali": (-6, 2),
}
"""Name -> weeks before (negative) and after the feast in which trade may differ. Of Ramadan the feast is its end."""


@cache
def feast_days(name: str, first_year: int, last_year: int) -> tuple[date, ...]:
    """Days of a feast of ``FEASTS`` in those years, rising; the Islamic year may hold two in one of ours.

    Raises:
        ValueError: an unknown name.
    """
    if name not in FEASTS:
        raise ValueError(f"feast must be one of {', '.join(FEASTS)}, found {name!r}")
    found = {day for year in range(first_year, last_year + 1) for day in _days_in(name, year)}
    return tuple(sorted(found))


def _days_in(name: str, year: int) -> list[date]:
    """Days of one year. Sources: dateutil (Gauss's computus) and the calendars of the package ``holidays``."""
    from dateutil.easter import easter
    from holidays import calendars

    if name == "easter":
        return [easter(year)]
    if name == "ramadan":
        return [day for day, _ in calendars.islamic._IslamicLunar().eid_al_fitr_dates(year)]
    if name == "lunar_new_year":
        day, _ = calendars.chinese._ChineseLunisolar().lunar_new_year_date(year)
    else:
        day, _ = calendars.hindu._HinduLunisolar().diwali_date(year)
    return [] if day is None else [day]


@dataclass(frozen=True, order=True)
class Region:
    """Where holidays are kept: a country (ISO 3166-1 alpha-2) and, if wanted, a part of it by the package's code."""

    country: str
    subdivision: str | None = None

    def problem(self) -> str | None:
        """What is wrong with it, and what there is instead; None if nothing is."""
        import holidays as package

        known = package.list_supported_countries(include_aliases=False)
        if self.country not in known:
            return f"country {self.country!r} has no holidays here; there are {', '.join(sorted(known))}"
        parts = known[self.country]
        if self.subdivision is not None and self.subdivision not in parts:
            there_are = f"there are {', '.join(sorted(parts))}" if parts else "it has none"
            return f"subdivision {self.subdivision!r} of country {self.country} is unknown; {there_are}"
        return None

    def days(self, first: date, last: date) -> list[tuple[date, str]]:
        """Every holiday between two days, both within; several names of a day one by one."""
        import holidays as package

        years = range(first.year - 1, last.year + 2)  # one that is kept on another day may belong to the year beside
        found = package.country_holidays(self.country, subdiv=self.subdivision, years=years)
        n_days = (last - first).days + 1
        days = (first + timedelta(days=n) for n in range(n_days))
        return [(day, name) for day in days if day in found for name in dict.fromkeys(found.get_list(day))]
