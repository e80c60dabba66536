"""Evidence and sums of classes from Spark beside the same in one process, whatever the partitioning."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.forecasting.selection.choice import Candidates
from skucast.forecasting.uncertainty.dispersion import Dispersion
from skucast.forecasting.uncertainty.error_pool import GROUPS
from skucast.forecasting.uncertainty.evidence import Evidence, evidence_of
from skucast.forecasting.uncertainty.losses import class_of
from skucast.forecasting.uncertainty.pooled_dispersion import DispersionSums
from skucast.spark.arrow_columns import dense, lists, table
from skucast.stages.forecast.fitting import FITS_SCHEMA, CandidateArrays
from skucast.stages.forecast.pooling.evidence import evidence
from skucast.stages.forecast.pooling.method_errors import class_sums
from tests.unit.forecasting.reference import contest_of, trials_of, usual_of

pytestmark = pytest.mark.spark

NAMES = ("naive", "ses")
HORIZON, ORIGINS, N = 3, 4, 90
LAYOUT = CandidateArrays(NAMES, ORIGINS, HORIZON)


@pytest.fixture(scope="module")
def contest() -> Candidates:
    """Series of every group with unknown steps, and candidates that were not tried."""
    rng = np.random.default_rng(3)
    actuals = rng.poisson(5, (N, ORIGINS, HORIZON)).astype(float)
    forecasts = rng.uniform(0, 9, (N, ORIGINS, 2, HORIZON))
    actuals[rng.random(actuals.shape) < 0.1] = np.nan
    forecasts[rng.random(N) < 0.2, :, 1] = np.nan
    dispersion = Dispersion(*rng.uniform(0.5, 8.0, (3, N, ORIGINS)))
    trials = trials_of(
        NAMES,
        forecasts,
        actuals,
        group=rng.integers(0, len(GROUPS), (N, ORIGINS)),
        scale=rng.uniform(1, 3, (N, ORIGINS)),
        dispersion=dispersion,
    )
    return contest_of(trials, is_count=rng.random(N) < 0.5)


@pytest.fixture(scope="module")
def fits(spark: SparkSession, contest: Candidates) -> DataFrame:
    trials = contest.trials
    columns = {
        "item_id": pa.array([f"i{number}" for number in range(N)]),
        "location_id": "L",
        "demand_class": pa.array(contest.demand_class),
        "error_group": pa.array(contest.group),
        "is_count": pa.array(contest.is_count),
        "has_candidate": pa.array(contest.has_candidate),
        "n_periods": pa.array(contest.n_periods),
        "evaluation_span": pa.array(contest.evaluation_span),
        "failures": pa.array([[]] * N, pa.map_(pa.string(), pa.string())),
        "dispersion": dense(np.stack(contest.dispersion, axis=1)),
        "floor": dense(contest.floor),
        "origin": dense(trials.origin),
        "origin_group": dense(trials.group),
        "origin_scale": dense(trials.scale),
        "origin_dispersion": dense(np.concatenate(trials.dispersion, axis=1)),
        "origin_floor": dense(trials.floor.reshape(N, -1)),
        "naive_mean_square": dense(trials.naive_mean_square),
        "naive_mean_absolute": dense(trials.naive_mean_absolute),
        "actuals": dense(trials.actuals.reshape(N, -1)),
        "is_scored": lists(trials.is_scored.reshape(N, -1)),
        "forecasts": dense(trials.forecasts.reshape(N, -1)),
        "mean": dense(contest.mean.reshape(N, -1)),
    }
    return spark.createDataFrame(table(columns, FITS_SCHEMA, N))


def assert_same(ours: object, theirs: object) -> None:
    """Every array of two records of whole numbers."""
    assert dataclasses.is_dataclass(ours)
    for each in dataclasses.fields(ours):
        np.testing.assert_array_equal(getattr(ours, each.name), getattr(theirs, each.name), err_msg=each.name)


@pytest.mark.parametrize("n_partitions", [1, 7])
def test_sums_and_evidence_of_all_are_those_of_one_process(fits: DataFrame, contest: Candidates, n_partitions: int):
    rows = fits.repartition(n_partitions)
    place = class_of(contest.group)
    assert_same(class_sums(rows, LAYOUT, N).dispersion, DispersionSums.of(contest.dispersion, place))
    usual = usual_of(contest.dispersion, place)
    expected: Evidence = evidence_of(contest, usual)
    assert_same(evidence(rows, LAYOUT, usual, N), expected)
    assert expected.n_losses.sum() > N


def test_of_many_series_a_sample_teaches(fits: DataFrame, contest: Candidates):
    """A claim of four times the most that are pooled: about a quarter of them are."""
    usual = usual_of(contest.dispersion, class_of(contest.group))
    seen, whole = evidence(fits, LAYOUT, usual, 80_000), evidence_of(contest, usual)
    assert 0.1 < seen.n_losses[:, 0].sum() / whole.n_losses[:, 0].sum() < 0.4
