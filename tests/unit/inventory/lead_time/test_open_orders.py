"""When goods on order arrive: by counting the orders of a supplier that lasted as long."""

from __future__ import annotations

import numpy as np
import pytest

from skucast.inventory.demand.quantile_grid import Lists
from skucast.inventory.lead_time.open_orders import Arrivals, arrivals


def expected(late: list[float], until_due: float, period: int = 7, shares: list[float] | None = None) -> Arrivals:
    """One order, all days of lateness equally likely unless told."""
    weights = np.array(shares or [1 / len(late)] * len(late)) if late else np.zeros(0)
    return arrivals(
        Lists(np.array(late, dtype=float), np.array([0, len(late)])), weights, np.array([until_due]), period
    )


@pytest.mark.parametrize(
    ("late", "until_due", "by_step", "days"),
    [
        ([0], 0, [1], 0),  # due today
        ([0], 8, [0, 0, 1], 8),
        ([14], 1, [0, 0, 0, 1], 15),  # stated as 7 days, always 21, placed 6 days ago: in 15 days
        ([0, 0, 14, 28], -3, [0, 0, 0.5, 0, 0.5], 11),  # those that came in time are ruled out
        ([0, 20], -20, [0, 1], 1),  # nothing that was seen lasted longer: tomorrow
        ([-10], 4, [0, 1], 4),  # always early, and not yet there: when it is due
        ([-4, 3], 4, [0.5, 0.5], 0),
        ([], -5, [0, 1], 1),
        ([], 7, [0, 1], 7),
        ([0.25], -0.0, [0, 1], 0.25),
    ],
)
def test_lateness_given_that_it_has_lasted_so_long(
    late: list[float], until_due: float, by_step: list[float], days: float
) -> None:
    found = expected(late, until_due)
    assert found.by_step.values.tolist() == pytest.approx(by_step)
    assert found.days[0] == days


def test_as_counted_among_many_simulated_orders() -> None:
    """Geometric lateness in days, seen 5 days after orders were due: those still open, by the week they come in."""
    rng = np.random.default_rng(4)
    late = rng.geometric(0.1, 100_000) - 4
    coming = late[late > 5] - 5
    counted = np.bincount(np.ceil(coming / 7).astype(int)) / coming.size
    days, counts = np.unique(late, return_counts=True)
    found = expected(days.tolist(), -5, shares=(counts / late.size).tolist())
    assert found.by_step.values == pytest.approx(counted)
    assert found.days[0] == np.median(coming)


def test_orders_do_not_touch_each_other() -> None:
    late = Lists(np.array([0.0, 14.0, 3.0, 0.0, 14.0]), np.array([0, 2, 2, 3, 5]))
    together = arrivals(late, np.array([0.5, 0.5, 1, 0.2, 0.8]), np.array([2.0, 3, 0, -1]), 7)
    apart = [expected([0, 14], 2), expected([], 3), expected([3], 0), expected([0, 14], -1, shares=[0.2, 0.8])]
    assert together.by_step.values.tolist() == pytest.approx([v for each in apart for v in each.by_step.values])
    assert together.days.tolist() == [each.days[0] for each in apart]
