"""Variance per unit of mean: against the known one of simulated demand, and what must not move it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.uncertainty.dispersion import dispersion
from skucast.forecasting.uncertainty.pooled_dispersion import UsualDispersion, shrunk_dispersion
from tests.unit.forecasting.reference import examples, usual_of

NAN = np.nan


def of(demand, factor=None):
    return dispersion(demand, np.ones_like(demand) if factor is None else factor)


def negative_binomial(rng, mean, ratio, shape):
    return rng.negative_binomial(mean / (ratio - 1), 1 / ratio, shape).astype(float)


@pytest.mark.parametrize("mean", [0.3, 3.0, 50.0])
def test_a_poisson_has_about_one(mean):
    found = of(np.random.default_rng(1).poisson(mean, (600, 104)).astype(float))
    assert np.median(found.value) == pytest.approx(1.0, abs=0.12)
    assert np.nanmean(found.level) == pytest.approx(mean, rel=0.1)


@pytest.mark.parametrize(("mean", "ratio"), [(3.0, 2.5), (20.0, 5.0), (100.0, 12.0)])
def test_a_negative_binomial_has_its_variance_over_its_mean(mean, ratio):
    found = of(negative_binomial(np.random.default_rng(2), mean, ratio, (600, 104)))
    assert np.median(found.value) == pytest.approx(ratio, rel=0.15)


def test_the_definition_by_a_plain_loop():
    values, factor = [3.0, 8.0, NAN, 2.0, 5.0], [1.0, 2.0, 1.0, 0.5, 1.0]
    known = [(x, f) for x, f in zip(values, factor, strict=True) if not np.isnan(x)]
    changes = [(b - a) ** 2 for (a, _), (b, _) in pairwise(known)]
    limit = 4.0 * sorted(changes)[-2]
    squares = mass = levels = weight = 0.0
    for place, ((a, f), (b, g)) in enumerate(pairwise(known)):
        w = 0.97 ** (len(changes) - 1 - place)
        squares, weight = squares + w * min(changes[place], limit), weight + w
        mass, levels = mass + w * (a + b) / 2 * (1 / f + 1 / g), levels + w * (a + b) / 2
    found = of(np.array([values]), np.array([factor]))
    np.testing.assert_allclose([found.value[0], found.level[0]], [squares / mass, levels / weight])


def test_a_season_taken_out_leaves_the_dispersion_of_what_was_sold():
    """Demand over its factor varies less where the factor is high: as much as a Poisson of that mean."""
    rng, factor = np.random.default_rng(3), np.tile(np.repeat([0.3, 2.5], 8), 8)
    demand = rng.poisson(12 * factor, (400, factor.size)).astype(float)
    found = of(demand / factor, np.tile(factor, (400, 1)))
    assert np.median(found.value) == pytest.approx(1.0, abs=0.1)


def test_a_level_that_has_passed_and_a_change_of_unit_leave_it():
    rng = np.random.default_rng(4)
    passed = np.hstack([rng.poisson(120, (200, 80)), rng.poisson(10, (200, 20))]).astype(float)
    in_dozens = np.hstack([rng.poisson(120, (200, 60)), rng.poisson(10, (200, 20))]).astype(float)
    for each in (passed, in_dozens):
        value = of(each).value
        assert (value < 3.0).mean() > 0.95
        assert (value > 1 / 3).all()


def test_constant_demand_has_none_and_no_demand_says_nothing():
    found = of(np.array([[4.0] * 20, [0.0] * 20, [NAN] * 19 + [4.0]]))
    assert found.value[0] == 0.0
    assert np.isnan(found.value[1:]).all()
    assert (found.evidence[1:] == 0).all()


@examples
@given(st.integers(0, 9999), st.sampled_from([2.0**-20, 2.0**30]))
def test_it_turns_with_the_unit_and_a_gap_changes_nothing(seed, unit):
    demand = np.random.default_rng(seed).negative_binomial(2, 0.2, (3, 20)).astype(float)
    gaps = np.full((3, 40), NAN)
    gaps[:, ::2] = demand
    found = of(demand)
    np.testing.assert_allclose(of(unit * demand).value, unit * found.value)
    np.testing.assert_allclose(of(gaps).value, found.value)


def test_the_usual_dispersion_of_a_class_at_a_level_is_a_line_on_logarithms():
    """Of 400 series with φ = 1.5·level^0.4 the line is found; an empty class takes that of all."""
    rng, place = np.random.default_rng(5), np.zeros(400, dtype=np.int64)
    level = rng.lognormal(2, 1, 400)
    found = usual_of(of(np.ones((400, 2)))._replace(value=1.5 * level**0.4, level=level), place)
    for row in (0, 3):
        at = found.at(np.array([1.0, 8.0, 60.0]), np.full(3, row))
        np.testing.assert_allclose(at, 1.5 * np.array([1.0, 8.0, 60.0]) ** 0.4, rtol=1e-3)


def test_little_evidence_takes_the_usual_one_and_much_ones_own():
    usual = UsualDispersion(np.full(5, np.log(4.0)), np.zeros(5))
    own = of(np.ones((3, 2)))._replace(value=np.full(3, 36.0), level=np.ones(3), evidence=np.array([0.0, 12.0, 1e9]))
    place, amounts = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=bool)
    np.testing.assert_allclose(shrunk_dispersion(own, usual, place, amounts), [4.0, 12.0, 36.0], rtol=1e-6)
    even = own._replace(value=np.zeros(3), level=np.array([12.0, 12.0, 0.3]))
    np.testing.assert_allclose(shrunk_dispersion(even, usual, place, ~amounts)[1:], [np.sqrt(0.08 * 4.0), 0.7])
