"""Policies replayed on the last weeks of the sample: what they promised and what they kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from tests.jobs.conftest import LATEST, Filled, Job
from tests.jobs.stored import frame_of, rows_of

pytestmark = pytest.mark.spark

START = date(2011, 11, 21)
SETTINGS = (
    "simulate.periods=2", "simulate.warm_up=0", 'simulate.methods=["naive","mean","ses"]', "simulate.levels=[0.5,0.95]",
    "simulate.covers=[1.0]", "simulate.draws=100",
)  # fmt: skip


@pytest.fixture(scope="module")
def simulated(tiny_reference: Filled, copied: Callable[[Filled], Filled]) -> Filled:
    return copied(tiny_reference)


def test_two_reviews_forecast_anew_and_replayed_twice_alike(
    simulated: Filled, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [word for setting in SETTINGS for word in ("--set", setting)]
    assert job("simulate", "--config", simulated.config, "--decision-date", LATEST, *options) == 0
    said, first = capsys.readouterr().out, rows_of(simulated.folder, "service_outcome")
    assert "forecasts_made 2" in said
    assert "the configured policy by class" in said

    assert job("simulate", "--config", simulated.config, "--decision-date", LATEST, *options) == 0
    assert "forecasts_made 0" in capsys.readouterr().out
    assert rows_of(simulated.folder, "service_outcome") == first

    frame = frame_of(simulated.folder, "service_outcome")
    swept = frame.groupby(["variant", "target_level"])
    assert set(frame["decision_date"]) == {START}
    assert len(swept) == 1 + 1 + 2 + 2 + 1 + 1 + 8 + 8  # both rivals by the plan's numbers are swept to 99.999 %
    assert swept["item_id"].nunique().nunique() == 1
    assert frame["item_id"].nunique() > 10
    # All meet the same demand; foresight is of demand, not of lead times that are drawn. The window is so short
    # that few orders arrive within it.
    assert swept["demanded"].sum().round(6).nunique() == 1
    lost = swept["lost"].sum()
    assert lost["perfect", 0.0] <= lost["nothing", 0.0]
    assert lost["skucast", 0.95] <= lost["skucast", 0.5] <= lost["nothing", 0.0]
    assert ((frame["demanded"] - frame["filled"] - frame["lost"]).abs() < 1e-6).all()


def test_the_last_forecast_shown_is_not_that_of_a_replay(
    simulated: Filled, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = frame_of(simulated.folder, "run")
    assert set(runs.loc[runs["job"] == "simulate", "stage"]) <= {"simulate", "forecast of a review"}
    assert job("show", "service_outcome", "--config", simulated.config) == 0
    shown = capsys.readouterr().out
    assert "with lots and limits" in shown
    assert "textbook" in shown
