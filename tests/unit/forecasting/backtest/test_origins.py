"""Where the rolling origins lie."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.backtest.origins import origins_of_a_run, rolling_origins, usual_step, years_ago
from tests.unit.forecasting.reference import examples, panel_of

NAN = np.nan


@pytest.mark.parametrize(
    ("n_known", "expected"),
    [
        (20, [14, 15, 16, 17]),  # the last leaves exactly the horizon of 3
        (10, [14, 15, 16, 17]),  # knows 4 periods at 14
        (9, [15, 16, 17, 18]),  # moved by one: the last has 2 steps to score
        (8, [16, 17, 18, 19]),
        (7, [-1, 17, 18, 19]),  # no room left: fewer origins
        (5, [-1, -1, -1, 19]),
        (4, [-1, -1, -1, -1]),  # nothing left to score
    ],
)
def test_short_series_have_later_origins_then_fewer(n_known, expected):
    values = [NAN] * (20 - n_known) + [1.0] * n_known
    found = rolling_origins(panel_of([values], horizon=3), 4, 1, 4)[0].tolist()
    assert sorted(origin for origin in expected if origin >= 0) == sorted(origin for origin in found if origin >= 0)
    assert len(expected) == len(found)


def test_origins_are_a_step_apart():
    assert [[2, 5, 8, 11]] == rolling_origins(panel_of([[1.0] * 14], horizon=3), 4, 3, 1).tolist()


@pytest.mark.parametrize(
    ("horizon", "season", "period_days", "step"),
    [(4, 52, 7, 1), (13, 52, 7, 3), (3, 52, 7, 1), (5, 7, 1, 7), (28, 7, 1, 7), (40, 7, 1, 14), (48, 24, 1 / 24, 24)],
)
def test_origins_of_long_horizons_lie_farther_apart_and_those_of_days_on_one_weekday(
    horizon, season, period_days, step
):
    assert step == usual_step(horizon, season, period_days)


@examples
@given(
    hnp.arrays(np.float64, st.tuples(st.just(4), st.integers(0, 15)), elements=st.sampled_from([NAN, NAN, 0.0, 1.0])),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_every_origin_knows_enough_and_leaves_something_to_score(demand, horizon, step, min_periods):
    panel = panel_of(demand, horizon=horizon)
    for row, origins in zip(demand, rolling_origins(panel, 3, step, min_periods).tolist(), strict=True):
        assert 3 == len(origins)
        for origin in (origin for origin in origins if origin != -1):
            assert (~np.isnan(row[:origin])).sum() >= min_periods
            assert (row[:origin] > 0).any()
            assert (~np.isnan(row[origin : origin + horizon])).any()


def test_a_long_known_series_always_has_all_origins():
    demand = np.ones((1, 30))
    assert (rolling_origins(panel_of(demand, horizon=6), 4, 2, 8) > 0).all()


def test_a_series_that_is_silent_at_the_end_has_its_origins_before_the_gap():
    """Closed for six weeks, with two to be scored: origins as of a panel that ends there; the neighbour keeps its own.

    A gap shorter than the horizon moves nothing.
    """
    closed = [10.0] * 34 + [NAN] * 6
    brief = [10.0] * 39 + [NAN]
    found = rolling_origins(panel_of([closed, [10.0] * 40, brief], horizon=2), 3, 1, 4)
    assert [[30, 31, 32], [36, 37, 38], [36, 37, 38]] == found.tolist()
    assert [[30, 31, 32]] == rolling_origins(panel_of([closed[:34]], horizon=2), 3, 1, 4).tolist()


@pytest.mark.parametrize(
    ("n_years", "expected"),
    [(1, ()), (2, ()), (3, (104,)), (4, (104, 156))],
)
def test_a_year_ago_is_looked_at_where_two_years_were_known_there(n_years, expected):
    n = 52 * n_years
    assert expected == years_ago(n, 7)
    found = rolling_origins(panel_of([[3.0] * n], horizon=4), 3, 1, 8)
    assert [*expected, n - 6, n - 5, n - 4] == found[0].tolist()
    assert set(found[0].tolist()) | {n} == set(origins_of_a_run(n, 4, 3, 1, 7))


def test_a_series_that_is_younger_than_the_panel_has_no_origin_a_year_ago():
    young = [NAN] * 104 + [3.0] * 104
    found = rolling_origins(panel_of([young, [3.0] * 208], horizon=4), 3, 1, 8)
    assert [-1, -1] == found[0, :2].tolist()
    assert [104, 156] == found[1, :2].tolist()
