import math

import numpy as np
import pytest

from skucast.inventory.demand.quantile_grid import interpolate
from skucast.inventory.ordering.order_quantity import (
    OrderConstraints,
    demand_per_order,
    final_quantity,
    unconstrained,
    usual_order,
    wanted_quantity,
)

NONE = math.nan


def terms(n=1, **given):
    numbers = dict.fromkeys(OrderConstraints._fields, NONE) | {
        "lot": 0.0,
        "smallest_lot": 0.0,
        "min_order_quantity": 0.0,
    }
    words = {"replenishment_policy": "R_S", "rounding": "up"}
    columns = {**numbers, **words, **given}
    kind = {name: object if name in words else float for name in columns}
    return OrderConstraints(**{name: np.full(n, value, dtype=kind[name]) for name, value in columns.items()})


def final(raw, at_arrival=0.0, **given):
    return float(final_quantity(np.array([raw]), terms(**given), np.array([at_arrival]))[0])


@pytest.mark.parametrize(
    ("raw", "given", "expected"),
    [
        (0.0, {"min_order_quantity": 10.0, "pack_size": 6.0}, 0.0),
        (3.0, {}, 3.0),
        (3.0, {"min_order_quantity": 10.0}, 10.0),
        (13.0, {"pack_size": 6.0}, 18.0),
        (13.0, {"pack_size": 6.0, "rounding": "down"}, 12.0),
        (16.0, {"pack_size": 6.0, "rounding": "nearest"}, 18.0),
        (2.0, {"pack_size": 6.0, "rounding": "down"}, 6.0),
        (25.0, {"pack_size": 5.0, "pallet_size": 20.0}, 40.0),
        (25.0, {"pack_size": 5.0, "pallet_size": 20.0, "rounding": "nearest"}, 20.0),
        (15.0, {"pack_size": 5.0, "pallet_size": 20.0}, 15.0),
        (50.0, {"max_cover": 22.0, "pack_size": 5.0}, 20.0),
        (50.0, {"max_cover": 2.0, "pack_size": 5.0, "min_order_quantity": 10.0}, 10.0),
        (50.0, {"max_order_quantity": 33.0, "pack_size": 5.0}, 30.0),
        (50.0, {"max_order_quantity": 3.0, "pack_size": 5.0}, 0.0),
    ],
)
def test_limits_in_their_order(raw, given, expected):
    assert final(raw, **given) == expected


def test_a_full_shelf_leaves_no_room():
    assert final(50.0, at_arrival=30.0, max_stock=45.0) == 15.0
    assert final(50.0, at_arrival=60.0, max_stock=45.0) == 0.0


@pytest.mark.parametrize(
    ("policy", "shortfall", "expected"),
    [("R_S", 5.0, 5.0), ("base_stock", 5.0, 5.0), ("R_s_S", 5.0, 13.0), ("s_S", 5.0, 13.0), ("s_Q", 13.0, 24.0),
     ("R_s_S", 0.0, 0.0), ("R_s_S", -1.0, 0.0), ("R_S", NONE, 0.0)],
)  # fmt: skip
def test_what_each_policy_wants(policy, shortfall, expected):
    given = terms(replenishment_policy=policy, lot=12.0, smallest_lot=4.0)
    assert wanted_quantity(np.array([shortfall]), given, is_lost=True)[0] == expected


def test_a_lot_is_ordered_at_the_reorder_point_itself_where_customers_wait():
    given = terms(replenishment_policy="R_s_S", lot=12.0, smallest_lot=4.0)
    assert wanted_quantity(np.zeros(1), given, is_lost=False)[0] == 8.0


def test_unconstrained_terms_take_any_quantity():
    free = unconstrained(terms(lot=9.0, smallest_lot=2.0, pack_size=6.0, min_order_quantity=10.0, max_stock=1.0))
    wanted = wanted_quantity(np.array([0.25]), free, is_lost=True)
    assert final_quantity(wanted, free, np.zeros(1))[0] == 0.25


def test_a_usual_order_is_the_largest_of_what_is_ordered_anyway_and_one_unit_is_no_lot():
    cases = [({}, 1.0, 5.0), ({"lot": 9.0}, 1.0, 9.0), ({"min_order_quantity": 12.0}, 1.0, 12.0),
             ({"pack_size": 6.0, "lot": 8.0}, 1.0, 8.0), ({"smallest_lot": 0.3, "pack_size": 1.0}, 1.0, 0.3),
             ({"smallest_lot": 0.3, "pack_size": 1.0}, 0.0, 1.0)]  # fmt: skip
    for given, unit, expected in cases:
        found = usual_order(terms(**{"smallest_lot": 5.0, **given}), np.array([unit]))
        assert found[0] == expected, given


def test_a_long_lot_answers_for_more_than_itself_where_sales_are_lost():
    cases = [(5.0, True, 5.0), (20.0, True, 27.5), (8.0, True, 12.5), (20.0, False, 20.0)]
    for lot, is_lost, expected in cases:
        assert demand_per_order(terms(lot=lot, smallest_lot=5.0), np.ones(1), is_lost=is_lost)[0] == expected


def test_between_points_it_runs_straight_and_outside_the_ends_hold():
    xs, ys = np.array([[1.0, 2.0, 2.0, 4.0]]), np.array([[0.0, 10.0, 20.0, 30.0]])
    found = [interpolate(np.array([[x]]), xs, ys)[0, 0] for x in (0.0, 1.5, 2.0, 3.0, 9.0)]
    assert found == [0.0, 5.0, 10.0, 25.0, 30.0]
