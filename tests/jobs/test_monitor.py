"""The loop: nightly forecasts, a review of what became of them, and the forecast that heeds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.jobs.conftest import Job
from tests.jobs.orders import PLAIN, lines_config, weekly_lines, write_csv
from tests.jobs.stored import contents, differences, frame_of

pytestmark = pytest.mark.spark

FIRST, N_WEEKS, CHANGE = date(2010, 1, 4), 64, 52
"""First Monday, weeks of sales, and the week from which on one item sells three times as much."""
NIGHTS = [FIRST + timedelta(days=7 * week) for week in (51, 53, 55)]
REVIEW, NEXT = (FIRST + timedelta(days=7 * week) for week in (57, 58))
STEADY = [f"steady{number}" for number in range(12)]
FORECAST = PLAIN | {"min_pooled_errors": 10}
MONITOR = {"monitor": {"min_windows": 3, "false_alarm_share": 0.05}}
REVIEWS = ["forecast_review", "forecast_review_class"]


@dataclass(frozen=True)
class Looped:
    """A warehouse after nights of forecasts, a review, the same again, and the next night.

    Attributes:
        folder: the warehouse.
        config: its configuration.
        first: the reviews' tables after the first review.
    """

    folder: Path
    config: Path
    first: dict[str, list[dict[str, object]]]


@pytest.fixture(scope="module")
def looped(tmp_path_factory: pytest.TempPathFactory, job: Job) -> Looped:
    work = tmp_path_factory.mktemp("loop")
    rng = np.random.default_rng(4)
    lines = [each for item in STEADY for each in weekly_lines(item, rng.poisson(30, N_WEEKS).tolist(), f"{FIRST}")]
    mean = np.where(np.arange(N_WEEKS) < CHANGE, 20, 60)
    lines += weekly_lines("grown", rng.poisson(mean).tolist(), f"{FIRST}")
    config = lines_config(work / "warehouse", write_csv(work / "lines.csv", lines), forecast=FORECAST, **MONITOR)
    assert job("ingest", "--config", config) == 0
    assert job("demand", "--config", config, "--decision-date", NEXT) == 0
    for night in NIGHTS:
        assert job("forecast", "--config", config, "--decision-date", night) == 0
    assert job("monitor", "--config", config, "--decision-date", REVIEW) == 0
    first = contents(work / "warehouse", REVIEWS)
    assert job("monitor", "--config", config, "--decision-date", REVIEW) == 0
    assert job("forecast", "--config", config, "--decision-date", NEXT) == 0
    return Looped(work / "warehouse", config, first)


def test_a_review_that_runs_again_gives_the_same(looped: Looped) -> None:
    assert differences(looped.first, contents(looped.folder, REVIEWS)) == []


def test_a_review_compares_each_forecast_with_the_demand_after_it(looped: Looped) -> None:
    """Nothing dated on its own date or later counts: of the newest forecast two of three weeks were over."""
    review = frame_of(looped.folder, "forecast_review").set_index("item_id")
    demand, forecast = frame_of(looped.folder, "demand"), frame_of(looped.folder, "forecast")
    assert sorted(review.index) == sorted([*STEADY, "grown"])
    for item, row in review.iterrows():
        sold = demand[demand["item_id"] == item].set_index("period_start")["demand"]
        own = forecast[(forecast["item_id"] == item) & (forecast["step"] == 3)].set_index("cutoff")
        cutoffs = [night - timedelta(days=7) for night in NIGHTS[:2]]
        actual = [sold.loc[[night + timedelta(days=7 * week) for week in range(3)]].sum() for night in NIGHTS[:2]]
        errors = np.array(actual) - own.loc[cutoffs, "cumulative_mean"].to_numpy()
        assert (2, 1, 3) == (row["n_forecasts"], row["n_windows"], row["n_scores"])
        np.testing.assert_allclose([sum(actual), errors.sum()], row[["actual_sum", "error_sum"]].to_list())
        np.testing.assert_allclose((errors**2).sum(), row["squared_error_sum"])


def test_an_item_that_sells_three_times_as_much_is_found_and_the_others_are_not(looped: Looped) -> None:
    review = frame_of(looped.folder, "forecast_review").set_index("item_id")
    classes = frame_of(looped.folder, "forecast_review_class")
    assert ("biased_low", "reselect") == tuple(review.loc["grown", ["verdict", "action"]])
    assert set(review.loc[STEADY, "verdict"]) == {"stable"}
    assert len(review) == classes["n_series"].sum()
    for name in ("n_forecasts", "actual_sum", "n_windows"):
        assert classes[name].sum() == pytest.approx(review[name].sum())


def test_the_next_forecast_heeds_the_review_and_says_so(looped: Looped) -> None:
    status, review = frame_of(looped.folder, "series_status"), frame_of(looped.folder, "forecast_review")
    last, former = NEXT - timedelta(days=7), NIGHTS[-1] - timedelta(days=7)
    now, before = (status[status["cutoff"] == day].set_index("item_id") for day in (last, former))
    assert now.loc["grown", "reason"].startswith("re-selected, biased low: mean score +")
    assert now.loc["grown", "kept_since"] is None
    assert set(now.loc[STEADY, "reason"]) == {f"kept since {former}: its forecasts went as promised"}
    assert set(now.loc[STEADY, "kept_since"]) == {former}
    assert now.loc[STEADY, "method"].equals(before.loc[STEADY, "method"])
    assert set(before["spread_factor"]) == {1.0}
    factors = review.set_index("item_id")["spread_factor"]
    np.testing.assert_allclose(now["spread_factor"], factors.reindex(now.index))


def test_verdicts_are_shown(looped: Looped, job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert job("show", "forecast_review", "--config", looped.config) == 0
    shown = capsys.readouterr().out
    assert "biased low: mean score" in shown
    assert shown.count("as promised over 3 forecasts") == len(STEADY)
