"""Hyper-parameters searched by the backtest: each setting is a candidate of its own."""

import json

import numpy as np

from skucast.config.forecast import Forecast
from skucast.forecasting.engine.engine import candidate_names, forecast_panel
from skucast.forecasting.global_model.training import Learner
from skucast.forecasting.models.prophet.settings import ProphetSettings
from skucast.forecasting.models.registry import METHODS, variants
from skucast.forecasting.models.smoothing import ALPHAS, alphas_within, ses
from skucast.forecasting.selection.search import Search
from tests.unit.forecasting.reference import decided, panel_of, plan_of

STIFF = "changepoint_prior_scale=0.001"
SEARCH = Search({STIFF: ProphetSettings(changepoint_prior_scale=0.001)}, {"lowest=0.6, highest=0.9": (0.6, 0.9)})


def noisy_steps() -> np.ndarray:
    """Levels that change every twelve weeks: only a nimble level follows."""
    rng = np.random.default_rng(3)
    return np.repeat(rng.uniform(20, 200, 8), 12) + rng.normal(0, 1, 96)


def test_a_setting_is_tried_where_its_method_is_and_says_its_name():
    plan = plan_of("ses", "prophet", search=SEARCH)
    assert ("mean", "ses", "ses(lowest=0.6, highest=0.9)", "prophet", f"prophet({STIFF})") == candidate_names(plan)
    assert "prophet" not in str(candidate_names(plan_of("ses", search=SEARCH)))


def test_without_a_search_nothing_is_added():
    assert () == variants(Search())
    assert candidate_names(plan_of("ses", "prophet")) == ("mean", "ses", "prophet")
    assert len({method.name for method in (*METHODS, *variants(SEARCH))}) == len(METHODS) + 2


def test_the_backtest_chooses_among_settings_and_keeps_their_parameters():
    panel = panel_of([noisy_steps()], horizon=4)
    held_down = Search(ses={"lowest=0.02, highest=0.05": (0.02, 0.05), "lowest=0.8, highest=1.0": (0.8, 1.0)})
    result = decided(panel, plan_of("ses", search=held_down))
    found = forecast_panel(panel, plan_of("ses", search=held_down), np.zeros(1)).contest.trials
    slow, quick = (found.names.index(f"ses({label})") for label in held_down.ses)
    scores = found.pooled_rmsse()[0]
    assert scores[quick] < scores[slow]
    assert result.method[0] != found.names[slow]


def test_settings_are_no_members_of_a_combination():
    panel = panel_of([noisy_steps()], horizon=4)
    names = ("ses", "prophet", "combination_mean")
    alone, searched = (
        forecast_panel(panel, plan_of(*names, search=search), np.zeros(1)).contest for search in (Search(), SEARCH)
    )
    for contest in (alone, searched):
        assert "combination_mean" == contest.trials.names[-1]
    np.testing.assert_array_equal(alone.mean[0, -1], searched.mean[0, -1])


def test_smoothing_bounds_hold():
    alphas = alphas_within(0.12, 0.45)
    assert [0.12, 0.15, 0.2, 0.3, 0.45] == alphas.tolist()
    panel = panel_of(np.random.default_rng(1).poisson(9, (40, 60)))
    found = ses(panel, alphas).parameters["alpha"]
    assert (found >= 0.12).all()
    assert (found <= 0.45).all()
    assert set(ses(panel).parameters["alpha"]) <= set(ALPHAS)


def test_a_configured_search_takes_the_rest_from_the_methods_own_settings():
    asked = {
        "prophet": {"yearly": False},
        "search": {"prophet": [{"changepoint_prior_scale": 0.5}], "ses": [{"lowest": 0.1, "highest": 0.3}]},
    }
    rules = Forecast.model_validate_json(json.dumps(asked))
    found = rules.search.beside(rules.prophet)
    assert {"changepoint_prior_scale=0.5": (0.5, False)} == {
        label: (settings.changepoint_prior_scale, settings.yearly) for label, settings in found.prophet.items()
    }
    assert {"lowest=0.1, highest=0.3": (0.1, 0.3)} == found.ses


def test_settings_of_the_model_over_all_series_are_candidates_with_their_own_training():
    asked = Forecast.model_validate_json(json.dumps({"search": {"learner": [{"leaves": 4}, {"rounds": 20}]}}))
    found = asked.search.learners(asked.learner)
    assert {"leaves=4": (4, 100), "rounds=20": (15, 20)} == {
        label: (settings.growth.leaves, settings.growth.rounds) for label, settings in found.items()
    }
    trained = {label: Learner() for label in found}
    names = candidate_names(plan_of("ses", "gradient_boosting", search=Search(learner=trained)))
    assert names == ("mean", "ses", "gradient_boosting", "gradient_boosting(leaves=4)", "gradient_boosting(rounds=20)")
