"""The configuration: what is refused names its path, what was found and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from skucast.calendars import Region
from skucast.config import Config, load_config
from skucast.errors import ConfigError
from skucast.forecasting.models.prophet.settings import Fourier, ProphetSettings
from skucast.periods import Frequency
from tests.places import ROOT

CONF = ROOT / "conf"
MINIMAL = {"warehouse": "warehouse/test", "frequency": "W", "timezone": "Europe/London", "currency": "GBP"}


def written(folder: Path, tree: object, name: str = "config.yaml") -> Path:
    path = folder / name
    text = tree if isinstance(tree, str | bytes) else yaml.safe_dump(tree)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def loaded(folder: Path, *overrides: str, **sections: Any) -> Config:
    return load_config(written(folder, MINIMAL | sections), overrides)


def refusal(folder: Path, tree: object, overrides: Sequence[str] = ()) -> str:
    """The message with which a configuration is refused; its first line names the file."""
    path = written(folder, tree)
    with pytest.raises(ConfigError) as refused:
        load_config(path, overrides)
    assert 2 == refused.value.exit_code
    assert str(path) in str(refused.value) or any(override in str(refused.value) for override in overrides)
    return str(refused.value)


BAD_VALUES = {
    "unknown key": ({"forcast": {}}, "forcast: unknown key: remove it or correct its spelling"),
    "unknown key deep inside": (
        {"inventory": {"defaults": {"leadtime_days": 3}}},
        "inventory.defaults.leadtime_days: found 3; unknown key",
    ),
    "probability as a percentage": (
        {"inventory": {"defaults": {"cycle_service_level": 97.5}}},
        "inventory.defaults.cycle_service_level: found 97.5; must be less than 1",
    ),
    "a review that outlasts what it reviewed": (
        {"monitor": {"window_days": 28, "valid_days": 56}},
        "monitor: valid_days 56 exceeds window_days 28",
    ),
    "a spread factor that widens and is called the lowest": (
        {"monitor": {"spread_factors": {"lowest": 1.2}}},
        "monitor.spread_factors.lowest: found 1.2; must be less than or equal to 1",
    ),
    "fill rate of one": (
        {"inventory": {"defaults": {"fill_rate": 1}}},
        "inventory.defaults.fill_rate: found 1; must be less than 1",
    ),
    "probability of zero": (
        {"inventory": {"class_targets": {"A": {"fill_rate": 0}}}},
        "inventory.class_targets.A.fill_rate: found 0; must be greater than 0",
    ),
    "negative lead time": (
        {"inventory": {"defaults": {"lead_time_days": -1}}},
        "inventory.defaults.lead_time_days: found -1; must be greater than or equal to 0",
    ),
    "no review period": (
        {"inventory": {"defaults": {"review_period_days": 0}}},
        "inventory.defaults.review_period_days: found 0; must be greater than 0",
    ),
    "nan": (
        {"inventory": {"defaults": {"lead_time_days": float("nan")}}},
        "inventory.defaults.lead_time_days: found nan;",
    ),
    "two service targets": (
        {"inventory": {"defaults": {"cycle_service_level": 0.9, "fill_rate": 0.9}}},
        "inventory.defaults: takes one service target, found cycle_service_level, fill_rate",
    ),
    "two service targets of a class": (
        {"inventory": {"class_targets": {"AX": {"stockout_cost": 3, "fill_rate": 0.9}}}},
        "inventory.class_targets.AX: takes one service target, found fill_rate, stockout_cost",
    ),
    "no such class": (
        {"inventory": {"class_targets": {"Q": {"fill_rate": 0.9}}}},
        "inventory.class_targets.Q",
    ),
    "unknown zone": ({"timezone": "London"}, "timezone: found 'London'; needs a name of the IANA time zone database"),
    "frequency": ({"frequency": "M"}, "frequency: found 'M'; must be 'D' or 'W'"),
    "currency": ({"currency": "pounds"}, "currency: found 'pounds'; "),
    "horizon as text": (
        {"forecast": {"horizon": "eight"}},
        "forecast.horizon: found 'eight'; must be a valid integer",
    ),
    "number as text": ({"forecast": {"horizon": "8"}}, "forecast.horizon: found '8'; must be a valid integer"),
    "yes for a number": (
        {"inventory": {"defaults": {"fixed_cost": True}}},
        "inventory.defaults.fixed_cost: found True; must be a valid number",
    ),
    "fraction for a count": ({"forecast": {"origins": 4.5}}, "forecast.origins: found 4.5; must be a valid integer"),
    "number for an expression": (
        {"sources": {"stock": {"format": "csv", "path": "x", "columns": {"on_hand": 1}}}},
        "sources.stock.columns.on_hand: found 1; must be a valid string",
    ),
    "setting that is none of spark's": ({"spark": {"master": "local[2]"}}, "spark.master: found 'master'; "),
    "horizon of zero": ({"forecast": {"horizon": 0}}, "forecast.horizon: found 0; must be greater than or"),
    "levels not rising": (
        {"forecast": {"quantile_levels": [0.5, 0.1, 0.99]}},
        "forecast.quantile_levels: found [0.5, 0.1, 0.99]; needs at least two levels, strictly rising",
    ),
    "level twice": (
        {"forecast": {"quantile_levels": [0.1, 0.5, 0.5, 0.99]}},
        "forecast.quantile_levels: found [0.1, 0.5, 0.5, 0.99]; needs at least two levels, strictly rising",
    ),
    "one level": ({"forecast": {"quantile_levels": [0.5]}}, "forecast.quantile_levels: found [0.5]; needs at least"),
    "level of zero": ({"forecast": {"quantile_levels": [0, 0.5]}}, "forecast.quantile_levels.0: found 0; must"),
    "level of one": ({"forecast": {"quantile_levels": [0.5, 1]}}, "forecast.quantile_levels.1: found 1; must"),
    "target beyond the levels": (
        {"inventory": {"defaults": {"cycle_service_level": 0.9999}}},
        "cycle_service_level 0.9999 lies outside forecast.quantile_levels (0.01 … 0.999): add a level",
    ),
    "unknown method": ({"forecast": {"methods": ["lstm"]}}, "forecast.methods.0: found 'lstm'; must be "),
    "smoothing bounds": (
        {"forecast": {"search": {"ses": [{"lowest": 0.5, "highest": 0.1}]}}},
        "forecast.search.ses.0: lowest 0.5 is above highest 0.1",
    ),
    "unknown table": (
        {"sources": {"sales": {"format": "csv", "path": "x.csv"}}},
        "sources: sales is no input table; allowed: availability, event, hierarchy, item, item_location, location, "
        "open_order, price_break, receipt, sales_line, stock, supplier",
    ),
    "unknown column": (
        {"sources": {"stock": {"format": "csv", "path": "x.csv", "columns": {"onhand": "a"}}}},
        "sources: stock.columns: onhand not in the contract; allowed: as_of, backorders, item_id, location_id, on_hand",
    ),
    "a column that ingestion makes": (
        {"sources": {"sales_line": {"format": "csv", "path": "x.csv", "columns": {"customer_key": "a"}}}},
        "sources: sales_line.columns: customer_key not in the contract",
    ),
    "source without a path": ({"sources": {"stock": {"format": "csv"}}}, "sources.stock: format csv needs a path"),
    "unknown format": (
        {"sources": {"stock": {"format": "xlsx", "path": "x"}}},
        "sources.stock.format: found 'xlsx'; must be 'csv', 'json', 'parquet', 'delta' or 'jdbc'",
    ),
    "weekday": ({"demand": {"closed_weekdays": [0]}}, "demand.closed_weekdays.0: found 0; must be greater"),
    "date": ({"complete_until": "9.12.2011"}, "complete_until: found '9.12.2011'; must be a valid date"),
    "section as text": ({"demand": "zero"}, "demand: found 'zero'; "),
    "database name": ({"database": "a; DROP"}, "database: found 'a; DROP'; "),
    "share": ({"ingest": {"max_rejected_share": 10}}, "ingest.max_rejected_share: found 10; must be less"),
}


@pytest.mark.parametrize("name", BAD_VALUES)
def test_a_bad_value_is_named_with_its_path_what_was_found_and_what_is_allowed(tmp_path, name):
    sections, expected = BAD_VALUES[name]
    assert expected in refusal(tmp_path, MINIMAL | sections)


@pytest.mark.parametrize("key", MINIMAL)
def test_what_is_never_guessed_must_be_given(tmp_path, key):
    tree = {name: value for name, value in MINIMAL.items() if name != key}
    assert f"- {key}: missing, and it is never guessed: add it" in refusal(tmp_path, tree)


def test_all_violations_are_reported_at_once(tmp_path):
    tree = {"warehouse": "w", "frequency": "X", "currency": "GBP", "colour": 1, "forecast": {"origins": 1}}
    message = refusal(tmp_path, tree)
    assert {"frequency", "timezone", "colour", "forecast.origins"} == {
        line.split(":")[0].removeprefix("  - ") for line in message.splitlines()[1:]
    }


def test_a_missing_file_is_named_with_the_remedy(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: No such file or directory; give an existing file"):
        load_config(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("warehouse: [", "is not valid YAML"),
        (b"warehouse: \xff\xfe", "is not valid YAML in UTF-8"),
        ("just a sentence", "found str, expected keys and values"),
        ("", "found NoneType, expected keys and values"),
        ("- a\n- b\n", "found list, expected keys and values"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path, text, expected):
    assert expected in refusal(tmp_path, text)


def test_defaults_hold_where_nothing_is_said(tmp_path):
    config = loaded(tmp_path)
    assert Frequency.WEEK is config.frequency
    assert 0.95 == config.inventory.defaults.terms["cycle_service_level"]
    assert config.forecast.horizon is None
    assert "lost_sales" == config.inventory.unmet_demand


def test_a_target_that_is_given_replaces_the_default_one(tmp_path):
    terms = loaded(tmp_path, inventory={"defaults": {"fill_rate": 0.98}}).inventory.defaults.terms
    assert 0.98 == terms["fill_rate"]
    assert "cycle_service_level" not in terms


def test_set_reaches_any_depth_and_reads_values_as_yaml(tmp_path):
    config = loaded(
        tmp_path,
        "forecast.horizon=8",
        "inventory.defaults.lead_time_days=2.5",
        "demand.closed_weekdays=[6, 7]",
        "complete_until=2011-12-09",
        "forecast.quantile_levels=[0.05,0.5,0.95]",
        "sources.stock.format=csv",
        "sources.stock.path=stock=1.csv",
        "spark.spark.sql.shuffle.partitions=3",
    )
    assert 8 == config.forecast.horizon
    assert 2.5 == config.inventory.defaults.lead_time_days
    assert (6, 7) == config.demand.closed_weekdays
    assert date(2011, 12, 9) == config.complete_until
    assert (0.05, 0.5, 0.95) == config.forecast.quantile_levels
    assert "stock=1.csv" == config.sources["stock"].path
    assert {"spark.sql.shuffle.partitions": "3"} == config.spark_settings


def test_set_wins_over_the_file_and_the_last_one_over_earlier_ones(tmp_path):
    config = loaded(tmp_path, "forecast.horizon=8", "forecast.horizon=9", forecast={"horizon": 3, "origins": 5})
    assert 9 == config.forecast.horizon
    assert 5 == config.forecast.origins


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("forecast.horizon", "--set forecast.horizon: expected key.path=value, such as --set forecast.horizon=8"),
        ("=3", "--set =3: expected key.path=value"),
        ("frequency.length=3", "--set frequency.length=3: frequency holds a value, not keys"),
        ("forecast.horizont=3", "forecast.horizont: found 3; unknown key"),
        ("forecast.horizon=[", "--set forecast.horizon=[: "),
        (".=3", "--set .=3: expected key.path=value"),
    ],
)
def test_an_override_that_cannot_be_applied_is_named(tmp_path, override, expected):
    assert expected in refusal(tmp_path, MINIMAL, [override])


def test_an_overlay_replaces_leaves_and_keeps_the_rest_of_a_section(tmp_path):
    written(tmp_path, MINIMAL | {"forecast": {"horizon": 3, "origins": 5}}, "base.yaml")
    (tmp_path / "env").mkdir()
    written(tmp_path / "env", {"extends": "../base.yaml", "forecast": {"horizon": 6}, "currency": "EUR"}, "middle.yaml")
    config = load_config(
        written(tmp_path, {"extends": "env/middle.yaml", "forecast": {"methods": ["naive"]}}, "top.yaml")
    )
    assert (6, 5, ("naive",)) == (config.forecast.horizon, config.forecast.origins, config.forecast.methods)
    assert "EUR" == config.currency


def test_of_several_bases_the_later_wins(tmp_path):
    written(tmp_path, MINIMAL, "one.yaml")
    written(tmp_path, {"currency": "USD"}, "two.yaml")
    assert "USD" == load_config(written(tmp_path, {"extends": ["one.yaml", "two.yaml"]})).currency


def test_a_base_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: No such file"):
        load_config(written(tmp_path, MINIMAL | {"extends": "absent.yaml"}))


def test_a_configuration_that_extends_itself_is_refused(tmp_path):
    written(tmp_path, {"extends": "config.yaml"}, "other.yaml")
    assert "extends itself" in refusal(tmp_path, MINIMAL | {"extends": "other.yaml"})


@pytest.mark.parametrize("extends", [3, None, {"a": 1}, [3]])
def test_extends_takes_file_names_only(tmp_path, extends):
    assert f"extends: found {extends!r}; expected a file name or a list of them" in refusal(
        tmp_path, MINIMAL | {"extends": extends}
    )


def test_the_hash_is_of_results_not_of_waiting_or_spark(tmp_path):
    plain = loaded(tmp_path).hash
    assert plain == loaded(tmp_path, "lock_wait_seconds=5", "spark.spark.master=local[1]").hash
    assert plain != loaded(tmp_path, "forecast.horizon=5").hash


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_every_number_outside_zero_to_one_is_refused_as_a_probability(share):
    tree = MINIMAL | {"inventory": {"class_targets": {"A": {"fill_rate": share}}}}
    try:
        accepted = bool(Config.model_validate_json(json.dumps(tree)))
    except ValueError:
        accepted = False
    assert (0 < share < 1) == accepted


def test_a_section_cannot_be_changed_after_the_check(tmp_path):
    with pytest.raises(ValueError, match="frozen"):
        loaded(tmp_path).forecast.horizon = 4


@pytest.mark.parametrize("name", ["online_retail.yaml"])
def test_the_configuration_in_the_repository_is_usable(name):
    config = load_config(CONF / name)
    assert "sales_line" in config.sources
    assert "local[*]" == config.spark_settings["spark.master"]


def test_settings_of_prophet_reach_the_model(tmp_path):
    config = loaded(
        tmp_path,
        "forecast.prophet.changepoint_prior_scale=0.5",
        "forecast.prophet.seasons=[{period: 30.5, order: 3}]",
        "forecast.prophet.event_windows={Easter: [-2, 1]}",
    )
    settings = config.forecast.prophet.settings
    assert settings.changepoint_prior_scale == 0.5
    assert settings.seasons == (Fourier(30.5, 3),)
    assert settings.event_windows == {"Easter": (-2, 1)}
    assert ProphetSettings() == loaded(tmp_path).forecast.prophet.settings
    with pytest.raises(ConfigError, match=r"forecast.prophet.n_changepoints: found -1"):
        loaded(tmp_path, "forecast.prophet.n_changepoints=-1")


def test_holidays_are_of_countries_and_parts_that_exist(tmp_path):
    everywhere = {"country": "GB", "subdivision": "ENG"}
    found = loaded(tmp_path, demand={"holidays": {"everywhere": everywhere, "locations": {"DE-1": {"country": "DE"}}}})
    assert found.demand.holidays.everywhere is not None
    assert Region("GB", "ENG") == found.demand.holidays.everywhere.region
    assert Region("DE") == found.demand.holidays.locations["DE-1"].region
    wrong = {"everywhere": {"country": "England"}, "locations": {"L1": {"country": "GB", "subdivision": "London"}}}
    message = refusal(tmp_path, MINIMAL | {"demand": {"holidays": wrong}})
    assert "demand.holidays.everywhere: country 'England' has no holidays here; there are AD, AE" in message
    assert "demand.holidays.locations.L1: subdivision 'London' of country GB is unknown; there are ENG, NIR" in message


@pytest.mark.parametrize(("given", "taken"), [("true", True), ("false", False), ("[item_price]", ("item_price",))])
def test_drivers_are_all_none_or_those_named(tmp_path, given, taken):
    assert taken == loaded(tmp_path, f"forecast.drivers={given}").forecast.drivers
