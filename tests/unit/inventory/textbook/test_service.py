"""Fill rates against simulation, and their inverses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skucast.inventory.demand import quantile_grid
from skucast.inventory.textbook import service
from skucast.inventory.textbook.distributions import Normal, floats, poisson
from tests.unit.inventory.reference import examples

SHARE = st.floats(0.05, 0.9999)


def backordered(demand: np.ndarray, S: int, R: int, L: int) -> float:
    """Share of demand served from stock under (R, S): receive, decide, then demand, in that order."""
    net, pipeline, short = S, np.zeros(L + 1), 0.0
    for t, units in enumerate(demand):
        net += pipeline[0]
        pipeline = np.append(pipeline[1:], 0.0)
        if t % R == 0:
            order = S - net - pipeline.sum()
            if L == 0:
                net += order
            else:
                pipeline[L - 1] += order
        short += max(min(units, units - net), 0.0)
        net -= units
    return 1 - short / demand.sum()


@pytest.mark.parametrize(("R", "L", "S"), [(1, 0, 5), (1, 3, 15), (3, 2, 16), (4, 0, 13)])
def test_the_fill_rate_of_periodic_review_is_what_happens(R: int, L: int, S: int) -> None:
    demand = np.random.default_rng(3).poisson(3.0, 60_000).astype(float)
    exact = service.review_fill_rate(poisson(3.0 * (R + L)), poisson(3.0 * L), S, 3.0 * R)
    assert backordered(demand, S, R, L) == pytest.approx(exact, abs=0.006)
    assert service.review_fill_rate(poisson(3.0 * (R + L)), None, S, 3.0 * R) <= exact


@examples
@given(st.floats(0.1, 80), st.floats(0.5, 900), SHARE)
def test_the_safety_factor_is_the_inverse_of_the_fill_rate(sd: float, lot: float, share: float) -> None:
    k = service.safety_factor(sd, lot, share)
    law = Normal(floats(0.0), floats(sd**2))
    assert service.lot_fill_rate(law, k * sd, lot) == pytest.approx(share, abs=1e-8)
    assert service.safety_factor(sd, lot, 0.5 * share) < k


@examples
@given(st.floats(1, 200), st.floats(0, 80), st.floats(1, 900), SHARE)
@example(100.0, 1e-160, 900.0, 0.95).via("a variance that a float hardly holds")
def test_the_reorder_point_serves_the_share(mean: float, sd: float, lot: float, share: float) -> None:
    s = service.reorder_point_for_fill_rate(mean, sd, lot, share)
    law = Normal(floats(mean), floats(sd**2))
    assert service.lot_fill_rate(law, s, lot) == pytest.approx(share, abs=1e-7)


def test_a_large_lot_needs_less_than_the_mean() -> None:
    found = service.reorder_point_for_fill_rate([100, 100], [10, 0], 500, 0.95)
    assert found[0] < 100
    assert found[1] == pytest.approx(75)


@examples
@given(st.floats(0.5, 90), st.integers(1, 4), st.integers(0, 5), SHARE)
def test_the_target_serves_the_share(sd: float, R: int, L: int, share: float) -> None:
    law, before = (Normal(floats(100.0 * n), floats(n * sd**2)) for n in (R + L, L))
    S = service.target_for_fill_rate(law, before if L else None, share, 100.0 * R)
    assert service.review_fill_rate(law, before if L else None, S, 100.0 * R) == pytest.approx(share, abs=1e-7)


def test_costs_as_a_cycle_service_level() -> None:
    assert service.cycle_service_level_of_costs(0.5, 10, 40, 20) == pytest.approx(0.9)
    assert service.cycle_service_level_of_costs(5, 1, 40, 20) == 0


@pytest.mark.parametrize("share", [0, 1, 97.5])
def test_a_fill_rate_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match=f"fill_rate must lie between 0 and 1, found {share:g}"):
        service.safety_factor(1, 1, [0.9, share])


def test_without_demand_everything_is_served() -> None:
    assert service.review_fill_rate(poisson(0.0), poisson(0.0), 0, 0.0) == 1


class TestQuantileGrid:
    LEVELS = np.array([0.05, 0.3, 0.5, 0.50001, 0.9, 0.99])
    QUANTILES = np.array([[0.0, 0.0, 2.0, 7.0, 7.0, 30.0], [3.0, 3.0, 3.0, 3.0, 3.0, 3.0]])
    P = (np.arange(200_000) + 0.5) / 200_000

    def drawn(self) -> np.ndarray:
        """Demand at many equally likely levels: whole, and with an exponential tail where quantiles rise to the end."""
        straight = np.array([np.interp(self.P, self.LEVELS, each) for each in self.QUANTILES])
        scale = (30 - 7) / np.log(np.sqrt(0.49999 * 0.1) / 0.01)  # 7 is the quantile at 50.001 and at 90 %
        beyond = self.P > 0.99
        straight[0, beyond] += scale * np.log(0.01 / (1 - self.P[beyond]))
        return np.ceil(straight - 0.5)

    def test_expected_shortages(self) -> None:
        stocks = np.array([[-1.0, 0.0, 1.5, 6.9, 7.0, 29.0, 31.0], [-1.0, 0.0, 2.9, 3.0, 3.1, 4.0, 5.0]])
        expected = np.maximum(self.drawn()[:, None, :] - stocks[:, :, None], 0).mean(axis=2)
        found = quantile_grid.expected_shortages(stocks, self.LEVELS, self.QUANTILES)
        np.testing.assert_allclose(found, expected, atol=5e-4)

    def test_fill_rate_of_lots(self) -> None:
        s, Q, drawn = np.array([[2.0, 8.0], [1.0, 3.0]]), np.full((2, 2), 4.0), self.drawn()[:, None, :]
        unserved = np.minimum(np.maximum(drawn - s[:, :, None], 0), 4.0).mean(axis=2) / 4.0
        found = quantile_grid.lot_fill_rates(s, Q, self.LEVELS, self.QUANTILES)
        np.testing.assert_allclose(found, 1 - unserved, atol=2e-4)

    def test_interpolation(self) -> None:
        x = np.array([[0.01, 0.05, 0.4, 0.7, 0.95, 1.0]] * 2)
        found = quantile_grid.interpolate(x, np.tile(self.LEVELS, (2, 1)), self.QUANTILES)
        np.testing.assert_allclose(found, [np.interp(x[0], self.LEVELS, each) for each in self.QUANTILES])

    def test_without_demand_everything_is_served(self) -> None:
        assert quantile_grid.fill_rates([0.0, 2.0, 9.0], None, [0.0, 4.0, 4.0]).tolist() == [1, 0.5, 0]
