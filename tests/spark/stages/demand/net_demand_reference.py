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


def day_share(
    counts: dict[date, float], sold: Sequence[date], received: Sequence[date], rules: Rules, day: date
) -> tuple[float, bool] | None:
    """Share of a day with stock, and whether it is known when it ran out; None where there is doubt."""
    before, after = [each for each in counts if each <= day], [each for each in counts if each > day]
    if not before or not after:
        return None
    start, end = max(before), min(after)
    at_start, at_end, n_days = counts[start] > 0, counts[end] > 0, (end - start).days
    if n_days == 1:
        return (at_start + at_end) / 2, True
    sales, receipts = ({each for each in moved if start <= each < end} for moved in (sold, received))
    if at_start:
        last = end - timedelta(days=1)
        is_inside = period_start(start, rules.frequency) == period_start(last, rules.frequency)
        return (0.5, False) if is_inside and not at_end else None
    if not at_end:
        return None if sales | receipts else (0.0, True)
    if len(receipts) != 1 or any(each < min(receipts) for each in sales):
        return None
    return float(day >= min(receipts)), True


def share(
    counts: dict[date, float], sold: Sequence[date], received: Sequence[date], rules: Rules, period: date
) -> tuple[float, bool] | None:
    """Share of the open days with stock, None unless that of each of them is known; and whether it is timed."""
    shares = [day_share(counts, sold, received, rules, day) for day in rules.open_days(period)]
    known_shares = [each for each in shares if each is not None]
    if not shares or len(known_shares) < len(shares):
        return None
    mean = sum(each for each, _ in known_shares) / len(shares)
    return mean, all(timed for _, timed in known_shares) and (rules.frequency != Frequency.DAY or mean in (0, 1))


def reference_demand(
    lines: Sequence[Row], stock: Sequence[Row], availability: Sequence[Row], rules: Rules, receipt: Sequence[Row] = ()
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
        sales = [line["ordered_at"].date() for line in own if line["quantity"] > 0]
        received = [
            row["received_on"]
            for row in receipt
            if (row["item_id"], row["location_id"]) == key and row["received_on"] < rules.decision_date
        ]
        for period in rules.periods():
            if sold and period >= min(sold):
                measured = [
                    row["in_stock_share"]
                    for row in availability
                    if (row["item_id"], row["location_id"]) == key
                    and period_start(row["period_start"], rules.frequency) == period
                ]
                derived = share(snapshots, sales, received, rules, period) or (None, True)
                there, is_timed = (sum(measured) / len(measured), True) if measured else derived
                inside = [line for line in own if period_start(line["ordered_at"].date(), rules.frequency) == period]
                found[*key, period] = _period(inside, there, rules, period, untimed=not is_timed)
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
