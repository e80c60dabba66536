"""The prophet package on one series of a panel, its negative log posterior in plain NumPy, and real series."""

from __future__ import annotations

import logging
import warnings
from datetime import date

import numpy as np
import pandas as pd

from skucast.datasets import dataset_path
from skucast.forecasting.models.external.prophet import _frame, _holidays, _silenced_loggers
from skucast.forecasting.panel.panel import Panel
from tests.places import SHARED

DATA = SHARED / "data"


def stock(panel, row, mode="additive", samples=0, growth="linear"):
    """Prophet with its own defaults and algorithm, fitted to one series."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        import prophet as package

        one = panel.rows(np.array([row]))
        known = np.flatnonzero(one.is_known[0])
        with _silenced_loggers():
            model = package.Prophet(
                growth=growth,
                daily_seasonality=False,
                seasonality_mode=mode,
                holidays=_holidays(one),
                uncertainty_samples=samples,
            )
            model.fit(_frame(one, known).assign(y=one.demand[0, known]))
        logging.disable(logging.NOTSET)
    return model


def ahead(panel):
    return _frame(panel, np.arange(panel.n_periods, panel.n_periods + panel.horizon))


def coefficients(model, n_trend=2):
    """Prophet's parameters in the order trend, effects, slope changes."""
    k, m, beta, delta = (np.asarray(model.params[name], dtype=float).ravel() for name in ("k", "m", "beta", "delta"))
    no_effects = not model.seasonalities and model.train_holiday_names is None
    trend = np.concatenate([k, m]) if n_trend == 2 else m
    return np.concatenate([trend, beta[:0] if no_effects else beta, delta if n_trend == 2 else delta[:0]])


def negative_log_posterior(model):
    """Of Prophet's own parameters, from Prophet's own matrices, up to constants."""
    effects, prior_sd, components, _ = model.make_all_seasonality_features(model.history)
    k, m, beta, delta = (np.asarray(model.params[name], dtype=float).ravel() for name in ("k", "m", "beta", "delta"))
    sigma = float(np.ravel(model.params["sigma_obs"])[0])
    t, x = model.history["t"].to_numpy(), effects.to_numpy()
    trend = k * t + m + np.maximum(t[:, None] - model.changepoints_t, 0) @ delta
    factor = 1 + (x * components["multiplicative_terms"].to_numpy()) @ beta
    mean = trend * factor + (x * components["additive_terms"].to_numpy()) @ beta
    squares = np.sum((model.history["y_scaled"].to_numpy() - mean) ** 2)
    value = t.size * np.log(sigma) + squares / (2 * sigma**2) + 2 * sigma**2 + (k[0] ** 2 + m[0] ** 2) / 50
    scale = model.changepoint_prior_scale
    return value + np.abs(delta).sum() / scale + 0.5 * np.sum((beta / np.array(prior_sd)) ** 2)


def online_retail(period_days, n_series, seed=0, horizon=28, least=30):
    """Items drawn by a seed, 0 after their first sale; days have no Saturdays; bank holidays as events.

    Of items with demand in at least ``least`` periods, so that Prophet has something to fit.
    """
    lines = pd.read_parquet(dataset_path("online_retail.parquet"), columns=["StockCode", "Quantity", "InvoiceDate"])
    lines = lines[(lines["Quantity"] > 0) & lines["StockCode"].str.match(r"^\d{5}")]
    first = pd.Timestamp("2010-11-29")
    period = ((lines["InvoiceDate"] - first).dt.days // period_days).rename("period")
    table = lines.groupby(["StockCode", period])["Quantity"].sum().unstack("period")
    table = table[table.notna().sum(axis=1) >= least]
    n_periods = int(table.columns.max()) + 1
    table = table.reindex(columns=range(n_periods))
    rows = np.sort(np.random.default_rng(seed).choice(len(table), min(n_series, len(table)), replace=False))
    demand = table.to_numpy()[rows]
    begun = np.logical_or.accumulate(~np.isnan(demand), axis=1)
    demand = np.where(begun & np.isnan(demand), 0.0, demand)
    closed = np.zeros((len(demand), n_periods + horizon), dtype=bool)
    if period_days == 1:
        closed[:, 5::7] = True
    flags = np.zeros_like(closed)
    for day in ("2011-04-24", "2011-05-01", "2011-08-28", "2011-12-27"):
        place = (pd.Timestamp(day) - first).days // period_days
        if place < flags.shape[1]:
            flags[:, place] = True
    return Panel(
        demand,
        closed,
        np.argmax(begun, axis=1),
        first.date(),
        period_days,
        7 if period_days == 1 else 52,
        horizon,
        {"bank_holiday": flags},
    )


def long_series(n_series, n_periods=1900, horizon=28):
    """M4 Weekly series of 700 to 1,900 values, dated as days, each ending on the last."""
    table = pd.read_parquet(DATA / "m4_weekly_hourly.parquet")
    table = table[(table["part"] == "train")].sort_values(["series_id", "step"], kind="stable")
    values = [group["y"].to_numpy()[-n_periods:] for _, group in table.groupby("series_id")]
    values = [each for each in values if each.size >= 700]
    values = values[:: max(len(values) // n_series, 1)][:n_series]
    demand = np.full((len(values), n_periods), np.nan)
    for row, each in enumerate(values):
        demand[row, n_periods - each.size :] = each
    start = np.argmax(~np.isnan(demand), axis=1)
    closed = np.zeros((len(values), n_periods + horizon), dtype=bool)
    return Panel(demand, closed, start, date(2015, 1, 5), 1, 7, horizon, {})
