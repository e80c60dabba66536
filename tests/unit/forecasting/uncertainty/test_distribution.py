"""What rolling origins teach of the distributions: counted by plain loops, promised and kept, and moved by no burst."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skucast.forecasting.panel.profile import DemandClass
from skucast.forecasting.uncertainty.dispersion import Dispersion, dispersion
from skucast.forecasting.uncertainty.distribution import MOST_SHIFT, WIDEST, PredictiveDistribution
from skucast.forecasting.uncertainty.error_pool import GROUPS, Activity
from skucast.forecasting.uncertainty.evidence import EDGES, LARGEST_LOSS, UNITS, Evidence, evidence_of
from skucast.forecasting.uncertainty.losses import JUDGED, class_of, origin_losses
from skucast.forecasting.uncertainty.pooled_dispersion import DispersionSums, UsualDispersion, sum_variance
from tests.unit.forecasting.reference import contest_of, examples, trials_of, unlearned_law, usual_of

NAN = np.nan
LEVELS = (0.05, 0.5, 0.8, 0.95)
SMOOTH, DORMANT, LUMPY = (
    GROUPS.index(each)
    for each in (
        (DemandClass.SMOOTH, Activity.ACTIVE),
        (DemandClass.SMOOTH, Activity.DORMANT),
        (DemandClass.LUMPY, Activity.ACTIVE),
    )
)
POISSON = UsualDispersion(np.zeros(len(DemandClass)), np.zeros(len(DemandClass)))
"""A dispersion of 1 everywhere."""

N, ORIGINS, HORIZON = 9, 3, 4


def random_contest(seed, rows=slice(None)):
    """Whole and other goods of several groups; unknown steps, and a candidate that was not tried."""
    rng = np.random.default_rng(seed)
    actuals = rng.poisson(4, (N, ORIGINS, HORIZON)).astype(float)
    forecasts = rng.uniform(0.2, 9, (N, ORIGINS, 2, HORIZON))
    actuals[0, 0, 1], actuals[1], forecasts[2, :, 1] = NAN, NAN, NAN
    group = np.array([SMOOTH, DORMANT, LUMPY])[rng.integers(0, 3, (N, ORIGINS))]
    group[3, 0] = -1
    scale, spread = rng.uniform(1, 3, (N, ORIGINS)), Dispersion(*rng.uniform(0.6, 6, (3, N, ORIGINS)))
    is_count, span = rng.random(N) < 0.5, rng.integers(1, HORIZON + 1, N)
    origin = np.where(group >= 0, 9, -1)
    trials = trials_of(
        ("naive", "ses"), forecasts[rows], actuals[rows], group=group[rows], origin=origin[rows], scale=scale[rows],
        dispersion=Dispersion(*(each[rows] for each in spread)),
    )  # fmt: skip
    return contest_of(trials, is_count=is_count[rows], span=span[rows])


class Rounded:
    """A distribution rounded to whole units."""

    def __init__(self, law):
        self.law = law

    def cdf(self, k):
        return np.where(k < 0, 0.0, self.law.cdf(k + 0.5))

    def ppf(self, level):
        return np.maximum(np.ceil(self.law.ppf(level) - 0.5), 0.0)


def law_of(mean, phi, steps, *, is_count):
    """SciPy's distribution of demand over so many steps."""
    variance = phi * mean * (1 + 0.05 * steps) + (0.05 * mean) ** 2
    gamma = stats.gamma(mean**2 / variance, scale=variance / mean)
    if not is_count:
        return gamma
    if variance < mean * (1 - 1e-9):
        return Rounded(gamma)
    return (
        stats.nbinom(mean**2 / (variance - mean), mean / variance)
        if variance > mean * (1 + 1e-9)
        else stats.poisson(mean)
    )


def phi_of(contest, row, o):
    value, level, evidence = (each[row, o] for each in contest.trials.dispersion)
    assert level > 0
    mixed = value ** (evidence / (evidence + 12))
    return max(mixed, min(1.0 - level, 0.9)) if contest.is_count[row] else mixed


def test_cases_are_counted_below_the_edges_as_plain_loops_count_them():
    contest, found = random_contest(1), evidence_of(random_contest(1), POISSON)
    expected = np.zeros(found.below.shape)
    for row in range(N):
        for o in range(ORIGINS):
            for k in range(2):
                for h in range(1, HORIZON + 1):
                    actual = contest.trials.actuals[row, o, :h].sum()
                    mean = contest.trials.forecasts[row, o, k, :h].sum()
                    group, is_count = contest.trials.group[row, o], contest.is_count[row]
                    if group < 0 or np.isnan(actual + mean):
                        continue
                    law = law_of(mean, phi_of(contest, row, o), h, is_count=is_count)
                    low, high = law.cdf(actual - 1 if is_count else actual), law.cdf(actual)
                    shares = np.clip((stats.norm.cdf(EDGES) - low) / max(high - low, 1e-9), 0, 1)
                    expected[group, k, h - 1] += [*shares, 1.0]
    assert expected.sum() > 1000
    # One case may lie on either side of an edge by rounding of the probability.
    np.testing.assert_allclose(found.below / UNITS, expected, atol=1e-4)


def test_losses_are_those_of_plain_loops():
    contest, found = random_contest(2), origin_losses(random_contest(2), POISSON)
    assert np.isfinite(found).sum() > 20
    trials, span = contest.trials, contest.evaluation_span
    for row in range(N):
        known = [h for h in range(1, span[row] + 1) if np.isfinite(trials.actuals[row, :, :h]).all(axis=1).any()]
        h = max(known, default=int(span[row]))
        for o in range(ORIGINS):
            for k in range(2):
                actual, mean = trials.actuals[row, o, :h].sum(), trials.forecasts[row, o, k, :h].sum()
                if np.isnan(actual + mean):
                    assert np.isnan(found[row, o, k])
                    continue
                law = law_of(mean, phi_of(contest, row, o), h, is_count=contest.is_count[row])
                missed = actual - law.ppf(JUDGED)
                loss = np.maximum(JUDGED * missed, (JUDGED - 1) * missed).mean() / trials.scale[row, o]
                near = 0.0 if contest.is_count[row] else 0.02
                assert found[row, o, k] == pytest.approx(loss, rel=1e-9 + near, abs=1e-9 + near)


@examples
@given(st.integers(0, 9999), st.integers(1, N - 1))
def test_evidence_of_parts_adds_up_to_that_of_all(seed, cut):
    whole, *parts = (
        evidence_of(random_contest(seed, rows), POISSON) for rows in (slice(None), slice(cut), slice(cut, None))
    )
    both = parts[0] + parts[1]
    for name in ("below", "loss", "n_losses"):
        np.testing.assert_array_equal(getattr(both, name), getattr(whole, name))


def test_sums_of_dispersions_add_up_too():
    rng = np.random.default_rng(3)
    found, place = Dispersion(*rng.lognormal(0, 1, (3, 50))), rng.integers(0, 5, 50)
    whole, *parts = (
        DispersionSums.of(Dispersion(*(each[rows] for each in found)), place[rows])
        for rows in (slice(None), slice(20), slice(20, None))
    )
    both = parts[0] + parts[1]
    for name in ("n", "x", "y", "xx", "xy"):
        np.testing.assert_array_equal(getattr(both, name), getattr(whole, name))


def test_a_loss_without_bound_counts_as_the_largest():
    trials = trials_of(("mean",), np.ones((1, 1, 1, 1)), np.full((1, 1, 1), 1e9))
    assert LARGEST_LOSS * UNITS == evidence_of(contest_of(trials), POISSON).loss[0, 0]


def test_the_ladder_goes_from_the_group_to_its_class_to_all_to_the_prior_step_by_step():
    below = Evidence.none(1, 3).below
    below[SMOOTH, 0, :, -1] = [50 * UNITS, 49 * UNITS, 0]
    below[DORMANT, 0, :, -1] = [0, 1 * UNITS, 0]
    below[LUMPY, 0, :, -1] = [0, 0, 60 * UNITS]
    law = PredictiveDistribution.of(("ses",), LEVELS, POISSON, replace(Evidence.none(1, 3), below=below), 50)
    assert ["group", "class", "all"] == list(law.rungs[SMOOTH, 0])
    assert ["class", "class", "all"] == list(law.rungs[DORMANT, 0])
    assert ["all", "all", "group"] == list(law.rungs[LUMPY, 0])


def test_without_evidence_levels_are_read_where_they_stand():
    law = unlearned_law(("naive", "ses"), HORIZON, LEVELS)
    assert {"prior"} == set(law.rungs.ravel())
    np.testing.assert_allclose(law.scores, np.broadcast_to(stats.norm.ppf(LEVELS), law.scores.shape))
    np.testing.assert_allclose(law.stretch(law.scores), 1.0)
    assert (law.losses == 0).all()


def test_experience_moves_levels_within_bounds_however_much_there_is():
    """Everything that came lay beyond the last edge; half of it is believed by all, by the class and by the group."""
    below = Evidence.none(1, 1).below
    below[..., -1] = 10_000 * UNITS
    law = PredictiveDistribution.of(("ses",), LEVELS, POISSON, replace(Evidence.none(1, 1), below=below), 50)
    promised = stats.norm.ppf(LEVELS)
    reach = MOST_SHIFT + (WIDEST - 1) * np.abs(promised)
    np.testing.assert_allclose(law.scores[SMOOTH, 0, 0], promised + (1 - 0.5**3) * reach, rtol=0.03)
    assert (np.diff(law.scores) >= 0).all()


MEANS = st.lists(st.just(0.0) | st.floats(1e-3, 200), min_size=HORIZON, max_size=HORIZON)


@examples
@given(MEANS, st.floats(0.05, 40), st.booleans(), st.integers(0, 99))
def test_quantiles_rise_with_level_and_step_and_are_whole_where_demand_is(mean, phi, is_count, seed):
    law = unlearned_law(("ses",), HORIZON, LEVELS)
    moved = np.sort(law.scores[0] + np.random.default_rng(seed).normal(0, 0.3, law.scores[0].shape), axis=-1)
    sums = np.cumsum([mean], axis=1)
    quantiles, sd = law.predicted(sums, np.array([phi]), np.array([is_count]), moved)
    assert (1, HORIZON, len(LEVELS)) == quantiles.shape
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=2) >= 0).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (np.diff(sd, axis=1) >= 0).all()
    assert (quantiles % 1 == 0).all() or not is_count


@examples
@given(MEANS, st.floats(0.05, 40), st.sampled_from([2.0**-10, 2.0**20]))
def test_those_of_goods_that_are_not_whole_turn_with_the_unit(mean, phi, unit):
    law, amounts = unlearned_law(("ses",), HORIZON, LEVELS), np.array([False])
    sums = np.cumsum([mean], axis=1)
    ours = law.predicted(sums, np.array([phi]), amounts, law.scores[0])
    theirs = law.predicted(unit * sums, np.array([unit * phi]), amounts, law.scores[0])
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(other, unit * mine, rtol=1e-9, atol=1e-30)


SERIES, PERIODS, AHEAD, LATER = 400, 120, 3, 60
PROMISED = (0.5, 0.8, 0.95)


def shop(seed, *, is_count):
    """Two classes: even demand about many means, and bursts of a wide one; steady, so that all dates are alike."""
    rng = np.random.default_rng(seed)
    mean = rng.lognormal(1.5, 1.0, (SERIES, 1))
    is_lumpy = np.arange(SERIES)[:, None] % 2 == 1
    ratio = np.where(is_lumpy, 1 + 2 * mean, 1.2)
    if is_count:
        return rng.negative_binomial(mean / (ratio - 1), 1 / ratio, (SERIES, PERIODS + LATER)).astype(float), is_lumpy[
            :, 0
        ]
    return rng.gamma(mean / ratio, ratio, (SERIES, PERIODS + LATER)), is_lumpy[:, 0]


def forecast(demand, is_lumpy, *, is_count):
    """Quantiles of demand summed over ``AHEAD`` steps from ``PERIODS`` on, by the mean and what four origins teach."""
    ends = [PERIODS - AHEAD * back for back in (4, 3, 2, 1)]
    known = [demand[:, :end] for end in (*ends, PERIODS)]
    spread = [dispersion(each, np.ones_like(each)) for each in known]
    mean = np.stack([np.repeat(each[:, -52:].mean(axis=1, keepdims=True), AHEAD, axis=1) for each in known], axis=1)
    actuals = np.stack([demand[:, end : end + AHEAD] for end in ends], axis=1)
    group = np.where(is_lumpy, LUMPY, SMOOTH)
    trials = trials_of(
        ("mean",), mean[:, :-1, None], actuals, group=np.tile(group[:, None], (1, 4)),
        dispersion=Dispersion(*(np.stack(each, axis=1) for each in zip(*spread[:-1], strict=True))),
    )  # fmt: skip
    whole = np.full(SERIES, is_count)
    contest = contest_of(trials, is_count=whole, dispersion=spread[-1])
    usual = usual_of(spread[-1], class_of(group))
    law = PredictiveDistribution.of(("mean",), PROMISED, usual, evidence_of(contest, usual), 50)
    phi = law.dispersion(contest.dispersion, group, whole)
    return law.predicted(np.cumsum(mean[:, -1], axis=1), phi, whole, law.scores[group, 0])[0][:, -1]


@pytest.mark.parametrize("is_count", [True, False])
def test_what_is_promised_is_kept_in_both_classes(is_count):
    """Of whole goods the share below the quantile is at most, that of no more at least the level."""
    demand, is_lumpy = shop(3, is_count=is_count)
    found = forecast(demand, is_lumpy, is_count=is_count)[:, None]
    came = demand[:, PERIODS:].reshape(SERIES, -1, AHEAD).sum(axis=2)[..., None]
    for own in (~is_lumpy, is_lumpy):
        below, at_most = (each[own].mean(axis=(0, 1)) for each in (came < found, came <= found))
        assert (below <= np.array(PROMISED) + 0.03).all(), below
        assert (at_most >= np.array(PROMISED) - 0.03).all(), at_most


def test_a_bulk_order_elsewhere_moves_none_of_my_quantiles_by_more_than_a_unit():
    """Once in the history that every origin knew, once where origins are scored."""
    demand, is_lumpy = shop(1, is_count=True)
    before = forecast(demand, is_lumpy, is_count=True)
    for period in (40, PERIODS - 2 * AHEAD):
        other = demand.copy()
        other[0, period] = 2000.0
        after = forecast(other, is_lumpy, is_count=True)
        assert np.abs(after - before)[1:].max() <= 1.0


def test_the_variance_of_a_sum_is_that_of_a_level_that_is_estimated():
    """φ·M·(1 + 0.05·h) + (0.05·M)²."""
    mean, steps = np.array([4.0, 8.0, 12.0]), np.arange(1.0, 4.0)
    expected = [1.5 * m * (1 + 0.05 * h) + (0.05 * m) ** 2 for m, h in zip(mean, steps, strict=True)]
    np.testing.assert_allclose(sum_variance(mean, np.array(1.5), steps), expected)
