"""Stock mathematics against published and re-derived numbers: closed forms to 1e-8, exact algorithms to 1e-6."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats

from skucast.inventory.textbook import demand_variance, distributions, service
from skucast.inventory.textbook.distributions import Discrete, Gamma, NegativeBinomial, Normal, floats, poisson
from skucast.inventory.textbook.newsvendor import (
    budget_newsvendor,
    newsvendor_cost,
    newsvendor_profit,
    newsvendor_quantity,
)
from skucast.inventory.textbook.reorder_points import poisson_reorder_policy, reorder_cost, reorder_policy
from tests.oracles.vectors import Vector, checks, names


def close(expected: Any, rel: float = 1e-8) -> Any:
    return pytest.approx(expected, rel=rel, abs=1e-12)


def normal(mean: float, sd: float) -> Normal:
    return Normal(floats(mean), floats(sd**2))


def lead_time_law(given: dict[str, Any]) -> Normal:
    """Normal demand over the lead time, in years."""
    L = float(Fraction(str(given["L"])))
    return normal(given["D"] * L, given["sd"] * L**0.5)


def lumpy(pmf: dict[str, float], periods: int) -> Discrete:
    """Demand over several periods of independent demand."""
    one = np.zeros(max(int(size) for size in pmf) + 1)
    one[[int(size) for size in pmf]] = list(pmf.values())
    total = np.ones(1)
    for _ in range(periods):
        total = np.convolve(total, one)
    return Discrete(np.arange(total.size, dtype=float), total)


@checks(*names("LOSS-N-1.4", "LOSS-N0.3", "LOSS-N3.1"))
def test_unit_normal_loss(vector: Vector) -> None:
    law, z = normal(0, 1), vector.inputs["z"]
    assert [law.shortage(z), law.surplus(z)] == close(vector.expected, 1e-12)
    assert distributions.unit_normal_loss(z) == close(vector.expected[0], 1e-12)


@checks(*names("LOSS-N(", "LOSS-P", "LOSS-G", "LOSS-NB"))
def test_loss(vector: Vector) -> None:
    given, expected = vector
    if "shape" in given:
        a, scale = given["shape"], given["scale"]
        law: distributions.DemandLaw = Gamma(floats(a * scale), floats(a * scale**2))
    elif "mu" in given:
        law = normal(given["mu"], given["sd"])
    elif "sd" in given:
        law = NegativeBinomial(floats(given["mean"]), floats(given["sd"] ** 2))
    else:
        law = poisson(given["mean"])
    assert law.shortage(given["x"]) == close(expected)


@checks(*names("NV-N", "NV-P", "NV-D"))
def test_newsvendor(vector: Vector) -> None:
    given, expected = vector
    periods = given.get("L", 0) + 1
    if "pmf" in given:
        law: distributions.DemandLaw = lumpy(given["pmf"], 1)
    elif "mean" in given:
        law = poisson(given["mean"] * periods)
    else:
        law = normal(given["mu"] * periods, given["sd"] * periods**0.5)
    quantity = newsvendor_quantity(law, given["p"], given["h"])
    assert [quantity, newsvendor_cost(law, quantity, given["p"], given["h"])] == close(expected)


@checks(*names("NV-X"))
def test_newsvendor_by_profit(vector: Vector) -> None:
    given, expected = vector
    r, c, v = given["revenue"], given["cost"], given["salvage"]
    law = normal(given["mu"], given["sd"])
    quantity = newsvendor_quantity(law, r - c, c - v)
    assert [quantity, newsvendor_profit(law, quantity, r, c, v)] == close(expected)


@checks("BUDGET-1")
def test_newsvendors_with_one_budget(vector: Vector) -> None:
    given, expected = vector
    price, cost, salvage, mean, sd = np.array(given["items"]).T
    law = Normal(mean, sd**2)
    free = newsvendor_quantity(law, price - cost, cost - salvage)
    np.testing.assert_allclose(free, expected["unconstrained"], rtol=1e-8)
    assert (cost * free).sum() == close(expected["spend0"])
    found = budget_newsvendor(law, price, cost, salvage, given["budget"])
    assert found.shadow_price == close(expected["lam"])
    np.testing.assert_allclose(found.quantity, expected["q"], rtol=1e-8)


@checks(*names("FR-sQ"))
def test_safety_factor_of_a_fill_rate(vector: Vector) -> None:
    given, expected = vector
    Q, sd, share = given["Q"], given["sigmaL"], given["beta"]
    k = service.safety_factor(sd, Q, share)
    assert k == close(expected["k"])
    assert service.lot_fill_rate(normal(0, sd), k * sd, Q) == close(share)
    if "k_approx" in expected:
        assert service.safety_factor_of_loss(Q * (1 - share) / sd) == close(expected["k_approx"])
        assert service.normal_cycle_service_level(k) == close(expected["csl"])


@checks(*names("FR-RS"))
def test_fill_rate_of_periodic_review(vector: Vector) -> None:
    given, expected = vector
    mu, sd, R, L, S = (given[name] for name in ("mu", "sd", "R", "L", "S"))
    law, before = normal(mu * (R + L), sd * (R + L) ** 0.5), normal(mu * L, sd * L**0.5)
    assert service.review_fill_rate(law, before, S, mu * R) == close(expected["exact"])
    assert service.target_for_fill_rate(law, before, expected["exact"], mu * R) == close(S)
    if "traditional" in expected:
        assert service.review_fill_rate(law, None, S, mu * R) == close(expected["traditional"])


@checks(*names("FR-BS"))
def test_fill_rate_of_lumpy_demand(vector: Vector) -> None:
    given, expected = vector
    R, L, S = given["R"], given["L"], given["S"]
    law, before = lumpy(given["pmf"], R + L), lumpy(given["pmf"], L)
    demand = lumpy(given["pmf"], R).mean
    assert service.review_fill_rate(law, before, S, demand) == close(expected["exact"])
    assert service.review_fill_rate(law, None, S, demand) == close(expected["traditional"])
    assert law.cdf(S) == close(expected["csl"])


@checks(*names("LTDQ"))
def test_quantiles_of_lead_time_demand(vector: Vector) -> None:
    given, expected = vector
    mean, variance = floats(given["mean"]), floats(given["var"])
    laws = {"negbin": NegativeBinomial, "normal": Normal, "gamma": Gamma, "poisson": lambda m, _: poisson(m)}
    found = {name: float(law(mean, variance).quantile(given["csl"])) for name, law in laws.items()}
    assert found == close(expected)


@checks("QSUM-POI")
def test_quantiles_do_not_add_up(vector: Vector) -> None:
    given, expected = vector
    one, days = poisson(given["lam"]).quantile(given["q"]), given["days"]
    assert one * days == expected["sum_of_q"]
    assert poisson(given["lam"] * days).quantile(given["q"]) == expected["q_of_sum"]


@checks(*names("SES-LTV"))
def test_error_variance_of_smoothing(vector: Vector) -> None:
    given, expected = vector
    alpha, L = given["alpha"], given["L"]
    assert demand_variance.local_level_error_variance(alpha, L) == close(expected["var_local_level"])
    assert demand_variance.smoothing_error_variance(alpha, L) == close(expected["var_iid_demand"])
    assert demand_variance.protection_variance(0, given["sigma2"], L) == expected["naive"]


@checks(*names("AR1"))
def test_error_variance_of_an_autoregression(vector: Vector) -> None:
    given, expected = vector
    assert demand_variance.autoregressive_error_variance(given["phi"], given["L"]) == close(expected["var"])


@checks("SS-1", "SS-2", "SS-3")
def test_textbook_safety_stock(vector: Vector) -> None:
    given, expected = vector
    L, R = given["L"], given["R"]
    variance = demand_variance.protection_variance(given["mu_d"], given["sd_d"] ** 2, L, given["sd_L"] ** 2, R)
    assert np.sqrt(variance) == close(expected["sigma"])
    target = Normal(floats(given["mu_d"] * (L + R)), variance).quantile(given["csl"])
    assert target == close(expected["S"] if R else expected["rop"])
    assert stats.norm.ppf(given["csl"]) * np.sqrt(variance) == close(expected["ss"])


@checks(*names("RQ-SS"))
def test_lot_and_safety_stock(vector: Vector) -> None:
    given, expected = vector
    found = reorder_policy(lead_time_law(given), given["K"], given["D"], given["h"], given["p"])
    assert [found.reorder_point, found.lot] == close(expected)


@checks(*names("RQ-C"))
def test_cost_of_reorder_point_and_lot(vector: Vector) -> None:
    given, expected = vector
    costs = (given["K"], given["D"], given["h"], given["p"])
    assert reorder_cost(lead_time_law(given), given["r"], given["Q"], *costs) == close(expected)


@pytest.mark.parametrize(("vector", "policy"), [("RQ-P1", (3, 5)), ("RQ-P2", (6, 7))], indirect=["vector"])
def test_exact_reorder_point_and_lot_of_poisson_demand(vector: Vector, policy: tuple[int, int]) -> None:
    given, expected = vector
    found = poisson_reorder_policy(given["K"], given["lam"], given["L"], given["h"], given["p"])
    assert (found.reorder_point[0], found.lot[0]) == policy
    assert found.cost[0] == close(expected)
