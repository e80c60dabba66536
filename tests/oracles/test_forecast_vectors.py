"""Forecasting methods against published numbers."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.intermittent.croston import croston, sba
from skucast.forecasting.models.smoothing import smooth
from tests.oracles.vectors import Vector, checks
from tests.unit.forecasting.reference import panel_of


@checks("CROSTON")
def test_croston_and_syntetos_boylan(vector: Vector) -> None:
    panel = panel_of([vector.inputs["y"]], horizon=1)
    np.testing.assert_allclose(croston(panel).mean, [[vector.expected["forecast"]]], rtol=1e-9)
    np.testing.assert_allclose(sba(panel).mean, [[vector.expected["sba"]]], rtol=1e-9)


@checks("SES-ERPNEXT")
def test_textbook_smoothing(vector: Vector) -> None:
    """Expected are the levels after each value, rounded to whole units."""
    demand, alpha = np.array([vector.inputs["y"]], dtype=float), np.array([vector.inputs["alpha"]])
    levels = [smooth(demand[:, :n], alpha, starts_as_mean=False).level[0, 0] for n in range(1, demand.size + 1)]
    np.testing.assert_allclose(levels, vector.expected, rtol=0, atol=0.51)
