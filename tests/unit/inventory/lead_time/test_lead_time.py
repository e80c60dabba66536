"""Laws of lead times: the product limit, whole periods, and that shrinking gets nearer the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.inventory.demand.quantile_grid import Lists
from skucast.inventory.lead_time.lead_time import Seen, arrival_shares, credible_laws, laws, stated_law
from tests.spark.stages.lead_times.measurement_reference import product_limit

Points = list[tuple[float, float, float]]
POINTS = st.lists(
    st.tuples(st.integers(-3, 9).map(float), st.sampled_from([0.0, 0.25, 1.0]), st.sampled_from([0.0, 0.5, 1.0])),
    min_size=1, max_size=12,
).filter(lambda rows: all(a + o > 0 for _, a, o in rows))  # fmt: skip


def seen(*items: Points) -> Seen:
    flat = np.array([row for rows in items for row in rows]).reshape(-1, 3)
    return Seen(*flat.T.copy(), np.cumsum([0, *map(len, items)]))


@settings(deadline=None)
@given(POINTS, POINTS)
def test_shares_are_those_of_the_definition(
    one: list[tuple[float, float, float]], two: list[tuple[float, float, float]]
) -> None:
    given_rows, shares = seen(one, two), arrival_shares(seen(one, two))
    for item, rows in enumerate((one, two)):
        of = shares[given_rows.offsets[item] : given_rows.offsets[item + 1]]
        for late, share in product_limit(rows):
            assert share == pytest.approx(sum(of[n] for n, row in enumerate(rows) if row[0] == late), abs=1e-12)
    assert shares.sum() == pytest.approx(2)
    assert (shares >= 0).all()


def test_an_order_that_is_overdue_makes_the_supplier_later() -> None:
    """Nine came on time, one is open and 30 days late: a tenth arrives then at the earliest. One not due adds none."""
    on_time = [(0.0, 1.0, 0.0)] * 9
    assert laws(seen([*on_time, (30.0, 0.0, 1.0)]), np.array([10.0]), np.zeros(1), 1).days == pytest.approx([13.0])
    assert laws(seen([*on_time, (-5.0, 0.0, 1.0)]), np.array([10.0]), np.zeros(1), 1).days == pytest.approx([10.0])


def test_days_become_whole_periods_and_never_negative() -> None:
    law = laws(seen([(0.0, 1.0, 0.0), (-9.0, 1.0, 0.0)], []), np.array([0.3, 5.0]), np.array([0.0, 2.0]), 7)
    assert law.by_period.tolist() == [0.5, 0.5]
    assert law.offsets.tolist() == [0, 2, 2]
    assert law.days.tolist() == pytest.approx([0.15, 0.0])
    assert stated_law(0.0, 0.0, 0.0, 7).tolist() == [1.0]
    assert stated_law(14.0, 0.0, 0.5, 7).tolist() == [0, 0, 0, 1.0]


def test_a_credible_law_lies_between_two_and_ends_with_what_takes_longer() -> None:
    own, shared = [[0.5, 0.5], [], [1.0]], [[0.0, 1.0], [0.2, 0.0, 0.797, 0.003], [0.0, 0.0, 1.0]]
    both = (Lists(np.concatenate(law), np.cumsum([0, *map(len, law)])) for law in (own, shared))
    found = credible_laws(np.array([0.5, 0.0, 0.25]), *both)
    assert found.starts.tolist() == [0, 2, 5, 8]
    assert found.values.tolist() == pytest.approx([0.25, 0.75, 0.2, 0.0, 0.8, 0.25, 0.0, 0.75])


def test_a_stated_law_has_the_stated_moments() -> None:
    law = stated_law(30.0, 5.0, 0.0, 1)
    days = np.arange(law.size) - 0.5
    assert law.sum() == pytest.approx(1)
    assert days @ law == pytest.approx(30.0, abs=0.1)
    assert np.sqrt((days - days @ law) ** 2 @ law) == pytest.approx(5.0, abs=0.15)


@pytest.mark.parametrize("receipts", [2, 5, 10])
def test_shrunk_means_are_nearer_the_truth_than_either_part(receipts: int) -> None:
    """Items differ by 2 days, deliveries by 4: k = 4²/2² = 4 (Bühlmann 1967), and so few receipts say little."""
    rng = np.random.default_rng(20111209)
    truth = 14 + rng.normal(0, 2, 2000)
    days = rng.gamma((truth[:, None] / 4) ** 2, 16 / truth[:, None], (2000, receipts))
    own, supplier = days.mean(axis=1), days.mean()
    shrunk = (receipts * own + 4 * supplier) / (receipts + 4)
    error = [float(np.sqrt(np.mean((found - truth) ** 2))) for found in (own, np.full(2000, supplier), shrunk)]
    assert error[2] < 0.95 * min(error[:2])


@pytest.mark.parametrize("receipts", [2, 5, 10])
def test_the_mixed_law_covers_what_comes_next(receipts: int) -> None:
    """Nine in ten of the next deliveries come within the 90 % quantile of n/(n + k) own and the supplier's."""
    rng = np.random.default_rng(7)
    truth = 14 + rng.normal(0, 2, 400)
    shape, scale = (truth / 4) ** 2, 16 / truth
    days = rng.gamma(shape[:, None], scale[:, None], (400, receipts))
    pool, weight = np.sort(days.ravel()), receipts / (receipts + 4)
    shares = np.repeat([weight / receipts, (1 - weight) / pool.size], [receipts, pool.size])
    covered = []
    for i, own in enumerate(days):
        points = np.concatenate([own, pool])
        order = np.argsort(points)
        limit = points[order][np.searchsorted(np.cumsum(shares[order]), 0.9)]
        covered.append(np.mean(rng.gamma(shape[i], scale[i], 200) <= limit))
    assert np.mean(covered) == pytest.approx(0.9, abs=0.035)
