"""The learner's features beside plain loops, blind to the unit and to the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skucast.forecasting.global_model.features import Known, feature_names, features
from skucast.forecasting.panel.panel import Panel
from skucast.forecasting.uncertainty.error_scale import spread_scale
from tests.unit.forecasting.global_model import training_reference as naive
from tests.unit.forecasting.reference import MONDAY

NAN = np.nan
KINDS = {"days": (1, 7, (365,)), "weeks": (7, 52, ()), "months": (365.25 / 12, 12, ()), "hours": (1 / 24, 24, (168,))}


def panel(kind: str, n_periods: int, horizon: int = 10) -> Panel:
    days, season, longer = KINDS[kind]
    rng, width = np.random.default_rng(8), n_periods + horizon
    demand = rng.poisson([[6.0], [0.3], [40.0], [2.0]], (4, n_periods)).astype(float)
    demand[2, : n_periods // 2] = NAN
    demand[3, rng.random(n_periods) < 0.2] = NAN
    demand[:, -1] = [3.0, 0.0, 0.0, 1.0]
    start = np.array([0, 0, n_periods // 2, 0])
    closed = np.zeros((4, width), dtype=bool)
    closed[0, ::9] = True
    flags = rng.random((4, width)) < 0.1
    price = np.where(np.arange(4)[:, None] == 1, 5.0, rng.uniform(1, 2, (4, width)))
    drivers = {"price": price}
    return Panel(demand, closed, start, MONDAY, days, season, horizon, {"sale": flags}, longer, drivers)


@pytest.mark.parametrize(("kind", "n_periods"), [("days", 900), ("days", 30), ("weeks", 120), ("weeks", 9),
                                                 ("months", 60), ("hours", 400)])  # fmt: skip
def test_features_are_what_plain_loops_find(kind, n_periods):
    given = panel(kind, n_periods)
    known = Known(("sale", "strike"), ("price", "weather"))
    found, names, scale = features(given, known), feature_names(given, known), spread_scale(given.demand)
    base = given.season_length if given.season_length <= 24 else 4
    for row, values in enumerate(given.demand.tolist()):
        start = int(given.start[row])
        own = naive.own_features(values, start, base, given.period_days, scale[row])
        assert found.level[row] == pytest.approx(naive.level_of(values))
        for step in range(1, given.horizon + 1):
            ahead = naive.calendar(n_periods, step, MONDAY, given.period_days, given.is_closed[row].tolist())
            for season in given.season_lengths:
                is_short = season <= 24
                ahead |= (
                    naive.short_season(values, season, step)
                    if is_short
                    else naive.long_season(values, start, season, step)
                )
            sale = float(given.events["sale"][row, n_periods + step - 1])
            price = naive.deviation(given.drivers["price"][row].tolist(), n_periods, step)
            ahead |= {"any event": sale, "event sale": sale, "event strike": 0.0, "price": price, "weather": 0.0}
            expected = own | ahead
            seen = np.concatenate([found.of_series[row], found.of_step[row, step - 1]])
            assert sorted(expected) == sorted(names)
            np.testing.assert_allclose(seen, [expected[name] for name in names], rtol=1e-9, atol=1e-12)


def test_nothing_after_the_origin_is_seen():
    given, rng = panel("days", 120), np.random.default_rng(2)
    changed = given.demand.copy()
    changed[:, 80:] = rng.poisson(500, changed[:, 80:].shape)
    ours, theirs = (features(each.until(80), Known.of(given)) for each in (given, replace(given, demand=changed)))
    for name in ("level", "scale", "of_series", "of_step"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


@pytest.mark.parametrize("unit", [2.0**-20, 2.0**30])
def test_features_are_blind_to_the_unit(unit):
    given = panel("weeks", 70)
    ours = features(given, Known.of(given))
    theirs = features(replace(given, demand=unit * given.demand), Known.of(given))
    np.testing.assert_allclose(theirs.level, unit * ours.level, rtol=1e-12)
    np.testing.assert_allclose(theirs.of_series, ours.of_series, rtol=1e-9)
    np.testing.assert_allclose(theirs.of_step, ours.of_step, rtol=1e-9)


def test_histories_without_demand_or_without_anything_have_features_all_the_same():
    given = panel("weeks", 20)
    demand = np.vstack([np.zeros((1, 20)), np.full((1, 20), NAN), given.demand[2:]])
    found = features(replace(given, demand=demand, start=np.array([0, 20, 0, 0])), Known.of(given))
    assert 0.0 == found.level[0]
    assert np.isnan(found.level[1])
    assert np.isinf(found.of_series).sum() == 0
    nothing = features(given.until(0), Known.of(given))
    assert np.isnan(nothing.level).all()
    assert (4, given.horizon) == nothing.of_step.shape[:2]
