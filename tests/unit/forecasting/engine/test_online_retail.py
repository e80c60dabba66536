"""Accuracy on real order lines: weekly sales of items of a UK web shop."""

import numpy as np
import pandas as pd
import pytest

from tests.places import SHARED
from tests.unit.forecasting.reference import FAST, decided, panel_of, plan_of

LINES = SHARED / "data" / "online_retail.parquet"
HORIZON = 6


@pytest.fixture(scope="module")
def weekly():
    """300 items drawn by a seed, weeks from 2010-11-29 to 2011-12-04, NaN before the first sale."""
    if not LINES.exists():
        pytest.skip(f"{LINES} is not here")
    lines = pd.read_parquet(LINES).drop_duplicates()
    lines = lines[lines.StockCode.str.match(r"^\d{5}", na=False) & (lines.Quantity > 0)]
    weeks = lines.InvoiceDate.dt.to_period("W").dt.start_time.rename("week")
    table = lines.groupby(["StockCode", weeks]).Quantity.sum().unstack("week")
    table = table.reindex(columns=pd.date_range("2010-11-29", "2011-11-28", freq="7D"))
    demand = table.to_numpy()[np.sort(np.random.default_rng(0).choice(len(table), 300, replace=False))]
    has_begun = np.logical_or.accumulate(~np.isnan(demand), axis=1)
    return np.where(has_begun & np.isnan(demand), 0.0, demand)


@pytest.mark.shared
def test_smoothing_beats_the_naive_forecast_and_the_choice_holds_out_of_sample(weekly):
    """Scores of the backtest by method, and of the champion on six weeks that its choice never saw."""
    trials = decided(panel_of(weekly, HORIZON), plan_of(*FAST)).trials
    scores = trials.pooled_rmsse()
    scores = scores[np.isfinite(scores).all(axis=1)]
    by_method = dict(zip(trials.names, np.sqrt((scores**2).mean(axis=0)), strict=True))
    print("\nRMSSE, root mean square over items:", {name: round(float(v), 3) for name, v in by_method.items()})
    assert by_method["ses"] < by_method["naive"]

    past = panel_of(weekly[:, :-HORIZON], HORIZON)
    errors = {}
    for plan in (FAST, ("naive",), ("ses",)):
        chosen = decided(past, plan_of(*plan))
        errors[plan] = np.nansum(np.abs(weekly[:, -HORIZON:] - chosen.mean)) / np.nansum(weekly[:, -HORIZON:])
    print("held-out WAPE:", {"champion" if len(k) > 1 else k[0]: round(float(v), 3) for k, v in errors.items()})
    assert errors[FAST] < errors[("naive",)]
