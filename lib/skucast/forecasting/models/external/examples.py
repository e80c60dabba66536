"""Models of other packages as functions of one item's history: examples of a model of your own.

Name one in ``forecast.methods``, such as ``skucast.forecasting.models.external.examples:lagged_trees``.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd


def prophet(history: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Prophet with its own defaults (Taylor & Letham 2018)."""
    from prophet import Prophet

    model = Prophet(uncertainty_samples=0)
    model.fit(history.rename(columns={"period_start": "ds", "demand": "y"}))
    step = history["period_start"].diff().median()
    ahead = pd.DataFrame({"ds": history["period_start"].iloc[-1] + step * np.arange(1, horizon + 1)})
    return pd.DataFrame({"mean": model.predict(ahead)["yhat"]})


def arima(history: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """ARIMA(0, 1, 1) of statsmodels: simple exponential smoothing by maximum likelihood (Muth 1960)."""
    from statsmodels.tsa.arima.model import ARIMA

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an optimum at a bound is no failure of the forecast
        fitted = ARIMA(history["demand"].to_numpy(), order=(0, 1, 1)).fit()
    return pd.DataFrame({"mean": fitted.forecast(horizon)})


def lagged_trees(history: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Boosted trees of scikit-learn on the last eight values, one step after the other."""
    from sklearn.ensemble import GradientBoostingRegressor

    values = history["demand"].ffill().fillna(0.0).to_numpy()
    lags = min(8, len(values) // 2)
    rows = np.lib.stride_tricks.sliding_window_view(values, lags + 1)
    model = GradientBoostingRegressor(n_estimators=50, max_depth=2, random_state=0).fit(rows[:, :-1], rows[:, -1])
    known = list(values[-lags:])
    for _ in range(horizon):
        known.append(float(model.predict([known[-lags:]])[0]))
    return pd.DataFrame({"mean": known[lags:]})
