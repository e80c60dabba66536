"""Slow, obvious versions of the learner's features: one series, one step, plain loops."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from tests.unit.forecasting import reference

NAN = math.nan


def mean_of(values: Iterable[float]) -> float:
    known = reference.known(values)
    return sum(known) / len(known) if known else NAN


def level_of(values: Sequence[float]) -> float:
    level = NAN
    for count, value in enumerate(reference.known(values), 1):
        level = value if count == 1 else level + max(0.1, 1 / count) * (value - level)
    return 0.9 * level + 0.1 * mean_of(values)


def inside(values: Sequence[float], first: int, stop: int) -> Sequence[float]:
    return values[max(first, 0) : max(stop, 0)]


def short_season(values: Sequence[float], season: int, step: int) -> dict[str, float]:
    target = len(values) + step - 1
    places = [len(values) + (step - 1) % season - season * back for back in (1, 2, 3, 4)]
    return {
        f"place in {season}": target % season,
        f"mean of place in {season}": mean_of([values[p] for p in places if p >= 0]) / level_of(values),
    }


def long_season(values: Sequence[float], start: int, season: int, step: int) -> dict[str, float]:
    unit, around, n = level_of(values), max(1, season // 26), len(values)
    ago = n + step - 1 - season
    while ago >= n:
        ago -= season
    if start > ago - around:
        return {f"{season} ago": NAN, f"growth {season} ago": NAN}
    there = mean_of(inside(values, ago - around, ago + around + 1))
    then = mean_of(inside(values, n - season - 4 * around, n - season))
    return {f"{season} ago": there / unit, f"growth {season} ago": (there + 0.1 * unit) / (then + 0.1 * unit)}


def own_features(values: Sequence[float], start: int, base: int, period_days: float, scale: float) -> dict[str, float]:
    unit, n = level_of(values), len(values)
    found = {f"lag {lag}": values[n - lag] / unit if lag <= n else NAN for lag in range(1, min(base, 14) + 1)}
    for width in (base // 2, base, 2 * base, 4 * base, 8 * base):
        known = inside(values, n - width, n)
        found[f"mean of {width}"] = mean_of(known) / unit if 2 * (n - start) > width else NAN
    for width in (2 * base, 8 * base):
        known = inside(values, n - width, n)
        found[f"zeros of {width}"] = mean_of([NAN if math.isnan(v) else float(v == 0) for v in known])
    positive = [v for v in values if v > 0]
    first = next(i for i, v in enumerate(values) if v > 0)
    centre = sum(positive) / len(positive)
    found["spread"] = scale / unit
    found["interval"] = len(reference.known(values[first:])) / len(positive)
    found["size variation"] = sum((v - centre) ** 2 for v in positive) / len(positive) / centre**2
    found["since demand"] = next(i for i, v in enumerate(reversed(values)) if v > 0)
    found["age"] = min((n - start) * period_days, 365.25 / 2)
    return found


def calendar(n: int, step: int, first_day: date, period_days: float, closed: Sequence[bool]) -> dict[str, float]:
    target = n + step - 1
    day = first_day + timedelta(days=target * period_days)
    angle = 2 * math.pi * ((day - date(day.year, 1, 1)).days + 1 + period_days / 2) / 365.25
    seen = n * period_days >= 2 * 365.25
    return {
        "step": step,
        "closed before": float(target > 0 and closed[target - 1]),
        "closed after": float(target + 1 < len(closed) and closed[target + 1]),
        "sine of year": math.sin(angle) if seen else NAN,
        "cosine of year": math.cos(angle) if seen else NAN,
    }


def deviation(values: Sequence[float], n: int, step: int) -> float:
    past = values[:n]
    centre = sum(past) / n
    spread = math.sqrt(sum((v - centre) ** 2 for v in past) / n)
    return (values[n + step - 1] - centre) / spread if spread > 0 else 0.0
