"""Days of the feasts that move through the year. Pure; no clock."""

from __future__ import annotations

from datetime import date
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
