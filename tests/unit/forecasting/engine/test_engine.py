"""The whole panel engine: against a loop over series, origins and methods, and the laws of DESIGN.md §6 and §8."""

import dataclasses
import time

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.models.base import ModelFit, batched, per_series
from skucast.forecasting.models.prophet.settings import ProphetSettings
from skucast.forecasting.models.registry import METHODS, Method, Tier
from skucast.forecasting.models.smoothing import ALPHAS
from tests.unit.forecasting import reference
from tests.unit.forecasting.reference import FAST, decided, examples, panel_of, plan_of

NAN = np.nan
PANELS = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(0, 16)),
    elements=st.sampled_from([NAN, 0.0, 0.0, 1.0, 3.0, 8.0, 90.0]),
)


PLAN = plan_of(*FAST, origins=3, min_periods=3)


def forecast(panel, plan=PLAN, methods=METHODS):
    return decided(panel, plan, methods=methods)


def records(result, series):
    """What the backtest of one series says, keyed by origin and method."""
    trials = result.trials
    errors = trials.scored_errors()[series]
    return {
        (int(trials.origin[series, o]), trials.names[k]): (
            int(trials.is_scored[series, o].sum()),
            (errors[o, k] ** 2).sum(),
            np.abs(errors[o, k]).sum(),
            errors[o, k].sum(),
            trials.naive_mean_square[series, o],
            trials.scale[series, o],
            *trials.forecasts[series, o, k],
        )
        for o, k in zip(*np.nonzero((trials.origin[series] >= 0)[:, None] & trials.is_tried[series]), strict=True)
    }


@examples
@given(demand=PANELS)
def test_champion_and_forecast_are_what_plain_loops_find(demand):
    panel = panel_of(demand, horizon=3, season_length=4)
    result = forecast(panel)
    for row, values in enumerate(demand):
        origins = sorted({origin for origin, _ in records(result, row)})
        if not origins:
            assert result.status[row] in ("too_short", "no_demand")
            continue
        totals = {name: [0.0, 0, 0.0] for name in FAST}
        for origin in origins:
            start = min(int(panel.start[row]), origin)
            for name, mean in reference.mean_forecasts(values[:origin], start, 4, 3, ALPHAS).items():
                pairs = [(a, f) for a, f in zip(values[origin : origin + 3], mean, strict=False) if not np.isnan(a)]
                totals[name][0] += sum((a - f) ** 2 for a, f in pairs)
                totals[name][1] += len(pairs)
                totals[name][2] += reference.naive_mean(values[:origin], 2)
        scores = {name: np.sqrt(squared / n / (naive / len(origins))) for name, (squared, n, naive) in totals.items()}
        assert scores[result.method[row]] <= min(scores.values()) * (1 + 1e-9) + 1e-12
        expected = reference.mean_forecasts(values, int(panel.start[row]), 4, 3, ALPHAS)[result.method[row]]
        np.testing.assert_allclose(result.mean[row], expected, rtol=1e-9)


@examples
@given(demand=PANELS, data=st.data())
def test_every_series_appears_finite_never_negative_and_zero_when_closed(demand, data):
    closed = data.draw(st.sets(st.integers(0, demand.shape[1] + 1)))
    panel = panel_of(demand, horizon=2, closed=closed)
    result = forecast(panel)
    assert (demand.shape[0], 2) == result.mean.shape
    assert np.isfinite(result.mean).all()
    assert (result.mean >= 0).all()
    assert (result.mean[panel.is_closed_ahead] == 0).all()
    assert (result.scale > 0).all()
    assert len(demand) == len(result.method) == len(result.status) == len(result.reason) == len(result.parameters)
    assert set(result.status) <= {"fitted", "fallback", "too_short", "no_demand"}
    assert all(result.reason)


@examples
@given(demand=PANELS.filter(lambda demand: demand.shape[1] >= 8), data=st.data())
def test_nothing_after_an_origin_changes_what_the_origin_produced(demand, data):
    """Outlier limits, scale, parameters and class limits included: every number of the earlier origins is the same."""
    plan = dataclasses.replace(PLAN, outlier_method="hampel", outlier_limit=2.0, outlier_treatment="cap")
    panel = panel_of(demand, horizon=2)
    before = forecast(panel, plan)
    origin = demand.shape[1] - data.draw(st.integers(1, 4))
    later = data.draw(hnp.arrays(np.float64, demand[:, origin:].shape, elements=st.sampled_from([0.0, 5.0, 1e6])))
    changed = demand.copy()
    changed[:, origin:] = np.where(np.isnan(demand[:, origin:]), NAN, later)
    after = forecast(dataclasses.replace(panel, demand=changed), plan)
    for row in range(len(demand)):
        mine, theirs = records(before, row), records(after, row)
        for key in mine.keys() & theirs.keys():
            if key[0] <= origin:
                assert mine[key][4:] == theirs[key][4:]


@examples
@given(demand=PANELS, seed=st.integers(0, 99))
def test_a_series_is_forecast_the_same_in_any_company(demand, seed):
    """Bit for bit, whatever the order and whoever shares the panel; only time is volatile."""
    order = np.random.default_rng(seed).permutation(len(demand))
    together, shuffled, alone = (forecast(panel_of(rows, horizon=2)) for rows in (demand, demand[order], demand[:1]))
    np.testing.assert_array_equal(shuffled.mean, together.mean[order])
    np.testing.assert_array_equal(alone.mean[0], together.mean[0])
    for field in ("method", "status", "reason", "parameters"):
        values, among, by_itself = (list(getattr(each, field)) for each in (together, shuffled, alone))
        assert [values[index] for index in order] == among
        assert values[:1] == by_itself
    assert records(alone, 0) == records(together, 0)
    for new, old in enumerate(order):
        assert records(shuffled, new) == records(together, old)


@examples
@given(demand=PANELS, unit=st.sampled_from([2.0**-20, 4.0, 2.0**40]))
def test_forecasts_turn_with_the_unit_of_measure(demand, unit):
    """Powers of two, so that equality is exact: about 1e-6 to 1e12."""
    ours, scaled = forecast(panel_of(demand)), forecast(panel_of(unit * demand))
    assert (ours.method, ours.status, ours.reason) == (scaled.method, scaled.status, scaled.reason)
    np.testing.assert_array_equal(scaled.mean, unit * ours.mean)
    np.testing.assert_allclose(scaled.profile.cv2, ours.profile.cv2)


@examples
@given(demand=PANELS, shift=st.integers(1, 5))
def test_where_the_panel_begins_does_not_matter(demand, shift):
    padded = np.hstack([np.full((len(demand), shift), NAN), demand])
    ours, later = forecast(panel_of(demand, season_length=4)), forecast(panel_of(padded, season_length=4))
    assert ours.method == later.method
    np.testing.assert_allclose(later.mean, ours.mean, rtol=1e-12)


@pytest.mark.parametrize(
    ("values", "status", "method", "mean", "reason"),
    [
        ([NAN] * 12, "too_short", "mean", 0.0, "no period with known demand"),
        ([0.0] * 12, "no_demand", "mean", 0.0, "no demand in 12 known periods"),
        ([NAN] * 11 + [6.0], "too_short", "naive", 6.0, "1 known periods"),
        ([NAN] * 10 + [6.0, 2.0], "too_short", "mean", 4.0, "2 known periods"),
        ([NAN] * 8 + [1.0, 1.0, 1.0, 3.0], "fitted", "naive", 3.0, "lowest RMSSE over 1 origins"),
        ([5.0] * 12, "fitted", "naive", 5.0, "lowest RMSSE over 3 origins: 0.00"),
        ([1e12] * 6 + [2e12] * 6, "fitted", "naive", 2e12, "lowest RMSSE"),
        ([0.0] * 11 + [4.0], "too_short", "mean", 1 / 3, "a demand before it"),
    ],
)
def test_degenerate_histories_have_a_named_forecast(values, status, method, mean, reason):
    result = forecast(panel_of([values], horizon=2))
    assert (status, method) == (result.status[0], result.method[0])
    np.testing.assert_allclose(result.mean, mean)
    assert reason in result.reason[0]


def test_a_panel_without_series_or_without_history_is_no_error():
    assert 0 == forecast(panel_of(np.empty((0, 9)))).trials.forecasts.size
    empty = forecast(panel_of(np.empty((2, 0))))
    assert ("too_short", "too_short") == empty.status
    assert (empty.mean == 0).all()


def test_the_backtest_holds_forecasts_and_actuals_of_every_origin():
    panel = panel_of([[1, 2, 1, 2, 1, 9, 1, 2, 1, 2, 1, 2]], horizon=2, closed=[10])
    result = forecast(panel, plan_of("ses", origins=3, min_periods=3))
    trials, ses = result.trials, result.column[0]
    assert [[8, 9, 10]] == trials.origin.tolist()
    np.testing.assert_array_equal(trials.actuals[0], [[1, 2], [2, 0], [0, 2]])
    assert (trials.forecasts[0, [1, 2], ses, [1, 0]] == 0).all()
    assert [2, 1, 1] == trials.is_scored[0].sum(axis=1).tolist()
    assert (trials.scale > 0).all()


def test_a_class_without_allowed_method_falls_back_and_says_so():
    plan = plan_of("prophet_stan", origins=3, tier_shares={Tier.LIBRARY: 0.5})
    plan = dataclasses.replace(plan, methods_by_class={"smooth": ("prophet_stan",)})
    panel = panel_of([[3.0, 4.0] * 8, [0.0, 4.0] * 8])
    result = decided(panel, plan, np.array([0.5, 0.0]))
    assert ("fallback", "fallback") == result.status
    assert "no method allowed for class intermittent; mean instead" == result.reason[1]
    assert {"mean"} == set(result.method)
    assert [3, 3] == result.trials.n_origins.tolist()


def failing(when):
    """A method that is perfect while it works, and raises when ``when`` says so."""

    def fit(panel, previous):
        if when(panel):
            raise RuntimeError("the solver\n gave up " + "!" * 300)
        return np.full(panel.horizon, 4.0), {"calls": previous.get("calls", 0) + 1}

    return (*METHODS[:2], Method("fragile", per_series(fit), Tier.LIBRARY))


SWITCHING = panel_of([[2.0, 6.0] * 8, [6.0, 2.0] * 8])


@pytest.mark.parametrize(
    "when", [lambda _: True, lambda panel: panel.n_periods == 16, lambda panel: panel.n_periods == 12]
)
def test_a_method_that_raises_at_any_origin_or_in_the_end_becomes_a_marked_fallback(when):
    result = forecast(SWITCHING, plan_of("mean", "naive", "fragile", origins=3), failing(when))
    assert {"fallback"} == set(result.status)
    assert {"mean"} == set(result.method)
    assert result.reason[0].startswith("fragile failed: RuntimeError: the solver gave up !!!")
    assert result.reason[0].endswith("!; mean instead")
    assert [3, 3] == result.trials.n_origins.tolist()


def test_a_failure_touches_its_own_series_only():
    result = forecast(SWITCHING, plan_of("mean", "fragile", origins=3), failing(lambda panel: panel.demand[0, 0] == 2))
    assert ("fallback", "fitted") == result.status
    assert ("mean", "fragile") == result.method


def test_when_every_candidate_fails_the_mean_of_known_demand_is_left():
    result = forecast(SWITCHING, plan_of("fragile", origins=3), failing(lambda _: True))
    assert ("fallback", "fallback") == result.status
    assert (result.mean == 4.0).all()
    assert not result.trials.is_tried.any()


def test_a_method_hears_from_earlier_origins_only():
    """It is handed what it found at the origin before: three origins and the final fit make four."""
    result = forecast(SWITCHING, plan_of("fragile", origins=3), failing(lambda _: False))
    assert [{"calls": 4.0}, {"calls": 4.0}] == list(result.parameters)


def test_a_forecast_that_is_not_finite_drops_out():
    wild = Method("wild", batched(lambda panel: ModelFit(np.full((panel.n_series, panel.horizon), np.inf))))
    result = forecast(SWITCHING, plan_of("mean", "wild", origins=3), (METHODS[1], wild))
    assert {"wild failed: no finite forecast; mean instead"} == set(result.reason)


def test_slow_methods_are_timed_on_their_own_and_batched_ones_share():
    def slow(panel, previous):
        time.sleep(0.01 if panel.demand[0, 0] == 2 else 0.0)
        return np.zeros(panel.horizon), {}

    result = forecast(
        SWITCHING, plan_of("mean", "slow", origins=3), (METHODS[1], Method("slow", per_series(slow), Tier.LIBRARY))
    )
    assert result.milliseconds[0] >= 30 > result.milliseconds[1] > 0


def test_outliers_are_counted_and_capped_only_when_asked():
    values = [[5.0, 6, 5, 6, 5, 6, 5, 6, 5, 6, 5, 6, 500, 5, 6, 5, 6, 5]]
    flagged = forecast(panel_of(values), plan_of("mean", outlier_method="iqr"))
    treated = forecast(panel_of(values), plan_of("mean", outlier_method="iqr", outlier_treatment="cap"))
    assert [1] == flagged.n_outliers.tolist() == treated.n_outliers.tolist()
    assert flagged.mean[0, 0] > 30 > 7 > treated.mean[0, 0]
    np.testing.assert_array_equal(treated.trials.actuals, flagged.trials.actuals)


@pytest.mark.parametrize(
    "wrong", [{"origins": 2}, {"origin_step": 0}, {"min_periods": 0}, {"outlier_treatment": "drop"}]
)
def test_a_plan_that_cannot_be_carried_out_is_refused(wrong):
    with pytest.raises(ValueError, match=r"origins >= 3|flag or cap"):
        plan_of("mean", **wrong)


def test_four_thousand_series_take_less_than_three_seconds():
    rng = np.random.default_rng(0)
    demand = rng.poisson(rng.gamma(1, 3, (4000, 1)), (4000, 53)).astype(float)
    began = time.process_time()
    forecast(panel_of(demand, horizon=8), plan_of(*FAST))
    assert time.process_time() - began < 3


@pytest.mark.parametrize("name", ["mean", "ses", "ets", "prophet", "arima", "dynamic_theta"])
def test_components_add_up_to_the_published_mean(name):
    t = np.arange(56)
    draw = np.random.default_rng(3)
    rows = [
        draw.poisson(30 + 15 * np.sin(2 * np.pi * t / 7)).astype(float),
        np.maximum(60.0 - 1.2 * t, 0.0) + draw.random(56),
        np.full(56, 4.0),
        np.full(56, NAN),
    ]
    panel = panel_of(rows, horizon=9, season_length=7, closed=(58,))
    result = forecast(panel, plan_of(name, with_components=True))
    np.testing.assert_allclose(sum(result.components.values()), result.mean, atol=1e-9)
    assert result.mean[1, -1] == 0 or name != "prophet"
    assert forecast(panel, plan_of(name)).components == {}


def test_a_season_and_a_trend_are_told_apart():
    t = np.arange(70)
    season = 10.0 * (t % 7 == 5)
    noise = np.random.default_rng(0).normal(0, 0.05, 70)
    panel = panel_of([50 + 0.5 * t + season + noise], horizon=7, season_length=7)
    for name, part in (("prophet", "season_weekly"), ("ets", "season")):
        found = forecast(panel, plan_of(name, with_components=True)).components
        shape = found[part][0]
        np.testing.assert_allclose(shape - shape.mean(), season[-7:] - season[-7:].mean(), atol=0.4)
        np.testing.assert_allclose(np.diff(found["trend"][0]), 0.5, atol=0.1)
    theta = forecast(panel, plan_of("dynamic_theta", with_components=True)).components
    assert theta["season"][0].argmax() == 5
    np.testing.assert_allclose(np.diff(theta["trend"][0]), 0.5, atol=0.1)


def test_settings_of_prophet_change_its_forecasts_and_no_others():
    t = np.arange(80.0)
    panel = panel_of([20 + np.maximum(t - 60, 0) + np.random.default_rng(0).normal(0, 0.1, 80)], season_length=7)
    plans = [plan_of("prophet", "mean", prophet=chosen) for chosen in (ProphetSettings(), ProphetSettings("flat"))]
    linear, flat = (decided(panel, plan).trials for plan in plans)
    is_prophet = np.array(flat.names) == "prophet"
    changed = np.abs(linear.forecasts - flat.forecasts)
    assert changed[:, :, is_prophet].min() > 1
    assert changed[:, :, ~is_prophet].max() == 0


def test_combinations_are_of_all_candidates_but_the_anchors():
    rng = np.random.default_rng(4)
    panel = panel_of(rng.poisson(9, (3, 30)).astype(float), horizon=4)
    names = ("naive", "ses", "tsb", "adida", "combination_mean", "combination_median", "combination_weighted")
    trials = decided(panel, plan_of(*names)).trials
    assert trials.names == ("naive", "mean", "tsb", "ses", "adida", *names[4:])
    members = trials.forecasts[:, :, 2:5]
    np.testing.assert_allclose(trials.forecasts[:, :, 5], members.mean(axis=2))
    np.testing.assert_allclose(trials.forecasts[:, :, 6], np.median(members, axis=2))
    np.testing.assert_allclose(trials.forecasts[:, 0, 7], members[:, 0].mean(axis=1))
    assert np.abs(trials.forecasts[:, 3, 7] - members[:, 3].mean(axis=1)).min() > 1e-4
    one = decided(panel, plan_of("naive", "ses", "combination_mean"))
    assert not one.trials.is_tried[:, -1].any()
    assert set(one.method) <= {"naive", "ses"}


def test_a_failing_member_leaves_a_combination_to_the_others():
    methods = (*METHODS[:2], *(m for m in METHODS if m.name in ("ses", "tsb")), failing(lambda _: True)[-1])
    plan = plan_of("ses", "tsb", "fragile", "combination_mean", origins=3)
    trials = forecast(SWITCHING, plan, methods).trials
    places = [trials.names.index(name) for name in ("ses", "tsb")]
    np.testing.assert_allclose(trials.forecasts[:, :, -1], trials.forecasts[:, :, places].mean(axis=2))


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="unknown forecasting methods sess; known are naive"):
        decided(panel_of([[1.0] * 9]), plan_of("sess"))
