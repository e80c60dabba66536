"""Demand the slow way: one series, one period, one line at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from skucast.periods import Frequency, period_start

Row = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """What the demand of one decision date follows from."""

    decision_date: date
    first: date
    frequency: Frequency
    closed_weekdays: Sequence[int] = ()
    closed_dates: Sequence[date] = ()
    gaps: str = "zero"

    def periods(self) -> list[date]:
        n_periods = (self.decision_date - self.first).days // self.frequency.days
        return [self.first + timedelta(days=n * self.frequency.days) for n in range(n_periods)]

    def open_days(self, period: date) -> list[date]:
        days = [period + timedelta(days=n) for n in range(self.frequency.days)]
        return [day for day in days if day.isoweekday() not in self.closed_weekdays and day not in self.closed_dates]


def known(lines: Iterable[Row], decision_date: date) -> list[Row]:
    """Lines of before the decision date, without cancellations and the sales they had taken back by then."""

    def before(time: datetime | None) -> bool:
        return time is not None and time.date() < decision_date

    return [
        line
        for line in lines
        if before(line["ordered_at"]) and not before(line.get("cancelled_at")) and not line.get("cancels_line")
    ]


def share(snapshots: dict[date, float], rules: Rules, period: date) -> float | None:
    """Share of the open days with stock, None unless the start and the end of each of them are known."""
    shares = []
    for day in rules.open_days(period):
        following = day + timedelta(days=1)
        if day not in snapshots or following not in snapshots:
            return None
        shares.append(((snapshots[day] > 0) + (snapshots[following] > 0)) / 2)
    return sum(shares) / len(shares) if shares else None


def reference_demand(
    lines: Sequence[Row], stock: Sequence[Row], availability: Sequence[Row], rules: Rules
) -> dict[tuple[str, str, date], tuple[Any, ...]]:
    """Series and period → sales, returns, demand, is_censored, in_stock_share, is_closed, unit_price."""
    by_series: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for line in known(lines, rules.decision_date):
        by_series[line["item_id"], line["location_id"]].append(line)
    found = {}
    for key, own in by_series.items():
        sold = [period_start(line["ordered_at"].date(), rules.frequency) for line in own if line["quantity"] > 0]
        snapshots = {
            row["as_of"]: row["on_hand"]
            for row in stock
            if (row["item_id"], row["location_id"]) == key and row["as_of"] <= rules.decision_date
        }
        for period in rules.periods():
            if sold and period >= min(sold):
                measured = [
                    row["in_stock_share"]
                    for row in availability
                    if (row["item_id"], row["location_id"]) == key
                    and period_start(row["period_start"], rules.frequency) == period
                ]
                there = sum(measured) / len(measured) if measured else share(snapshots, rules, period)
                untimed = rules.frequency == Frequency.DAY and not measured and there not in (None, 0, 1)
                inside = [line for line in own if period_start(line["ordered_at"].date(), rules.frequency) == period]
                found[*key, period] = _period(inside, there, rules, period, untimed=untimed)
    return found


def _period(lines: Sequence[Row], there: float | None, rules: Rules, period: date, *, untimed: bool) -> tuple[Any, ...]:
    sales = [line for line in lines if line["quantity"] > 0]
    n_sold = sum(line["quantity"] for line in sales)
    priced = [line for line in sales if line["unit_price"] is not None]
    revenue = sum(line["quantity"] * line["unit_price"] for line in priced)
    price = revenue / sum(line["quantity"] for line in priced) if priced else None
    closed = not rules.open_days(period) and n_sold == 0
    censored = not closed and there is not None and there < 1
    nothing_known = rules.gaps == "unknown" and not lines
    demand = None if closed or censored or nothing_known else n_sold
    returned = -sum(line["quantity"] for line in lines if line["quantity"] < 0)
    return n_sold, returned, demand, censored, None if untimed else there, closed, price


def is_outlier(demand: Sequence[float | None], method: str, limit: float) -> list[bool]:
    """Which demands lie outside the limits that the positive ones draw, at least eight of them."""
    positive = np.array([value for value in demand if value is not None and value > 0])
    if len(positive) < 8 or method == "none":
        return [False] * len(demand)
    median = np.median(positive)
    low, high, width = {
        "iqr": (*np.percentile(positive, [25, 75]), np.subtract(*np.percentile(positive, [75, 25]))),
        "zscore": (positive.mean(), positive.mean(), positive.std()),
        "hampel": (median, median, 1.4826 * np.median(np.abs(positive - median))),
    }[method]
    return [
        value is not None and value > 0 and width > 0 and not low - limit * width <= value <= high + limit * width
        for value in demand
    ]
