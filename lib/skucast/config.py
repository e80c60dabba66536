"""The configuration: one YAML file plus overrides, checked whole before Spark starts. Defaults stand here only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from skucast.errors import ConfigError
from skucast.periods import MONDAY, Frequency
from skucast.tables import INPUT_TABLES, TABLES

Probability = Annotated[float, Field(gt=0, lt=1)]
"""A share strictly between 0 and 1: 97.5 is an error, not silently 1."""
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[float, Field(ge=0, lt=3660)]
PositiveDays = Annotated[float, Field(gt=0, lt=3660)]
Weekday = Annotated[int, Field(ge=1, le=7)]
Method = Literal[
    "naive", "mean", "seasonal_naive", "croston", "sba", "tsb", "ses", "adida", "theta", "dynamic_theta",
    "croston_optimised", "sba_optimised", "tsb_optimised", "imapa", "negative_binomial", "prophet",
    "prophet_multiplicative", "ridge_autoregression", "theta_lag_year", "seasonal_smoothing", "ets", "best_count",
    "arima", "arima_statsmodels", "prophet_stan",
]  # fmt: skip
DemandClass = Literal["smooth", "erratic", "intermittent", "lumpy"]


class _Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values are not coerced from text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(_Section):
    """Where a contract table comes from and how its columns are expressed."""

    format: Literal["csv", "json", "parquet", "delta", "jdbc"]
    path: str | None = None
    options: dict[str, str | int | float | bool] = {}
    columns: dict[str, str] = {}
    where: str | None = None

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.format != "jdbc" and not self.path:
            raise ValueError(f"format {self.format} needs a path")
        return self


class Ingest(_Section):
    """How order lines are cleaned."""

    cancellation_order_pattern: str | None = None
    not_items: tuple[str, ...] = ()
    max_quantity: Annotated[float, Field(gt=0)] = 1e9
    earliest_date: date = date(1990, 1, 1)
    max_rejected_share: Share = 0.1
    customer_key_variable: str = "SKUCAST_CUSTOMER_KEY"


class Outliers(_Section):
    """Which demands are out of line, and what forecasting does with them."""

    method: Literal["none", "iqr", "zscore", "hampel"] = "hampel"
    limit: Annotated[float, Field(gt=0)] = 6.0
    treatment: Literal["flag", "cap"] = "flag"


class Demand(_Section):
    """How order lines become demand."""

    closed_weekdays: tuple[Weekday, ...] = ()
    closed_dates: tuple[date, ...] = ()
    gaps: Literal["zero", "unknown"] = "zero"
    outliers: Outliers = Outliers()


class RevenueShares(_Section):
    """On how much of all revenue, from the series that earn most down, the dearer methods are tried."""

    full: Share = 0.8
    library: Share = 0.5


class Forecast(_Section):
    """What is forecast, by which methods, and how it is tested."""

    horizon: Annotated[int, Field(ge=1, le=400)] | None = None
    quantile_levels: tuple[Probability, ...] = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.975, 0.99)
    methods: tuple[Method, ...] = (
        "naive", "mean", "seasonal_naive", "ses", "tsb", "adida", "dynamic_theta", "sba_optimised",
        "negative_binomial", "ets", "prophet", "arima",
    )  # fmt: skip
    methods_by_class: dict[DemandClass, tuple[Method, ...]] = {
        "smooth": ("naive", "mean", "seasonal_naive", "ses", "dynamic_theta", "ets", "prophet", "arima"),
        "erratic": ("naive", "mean", "seasonal_naive", "ses", "tsb", "dynamic_theta", "ets", "prophet", "arima"),
        "intermittent": (
            "naive", "mean", "seasonal_naive", "ses", "tsb", "adida", "sba_optimised", "negative_binomial",
        ),
        "lumpy": ("naive", "mean", "seasonal_naive", "ses", "tsb", "adida", "sba_optimised", "negative_binomial"),
    }  # fmt: skip
    origins: Annotated[int, Field(ge=3, le=52)] = 4
    origin_step: Annotated[int, Field(ge=1)] = 1
    min_periods: Annotated[int, Field(ge=2)] = 6
    revenue_shares: RevenueShares = RevenueShares()
    min_buckets: Annotated[int, Field(ge=1)] = 8
    rows_per_bucket: Annotated[int, Field(ge=1)] = 200_000
    min_pooled_errors: Annotated[int, Field(ge=10)] = 200
    max_fallback_share: Share = 0.2
    components: bool = False

    @field_validator("quantile_levels")
    @classmethod
    def _rising(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if list(levels) != sorted(set(levels)) or len(levels) < 2:
            raise ValueError("needs at least two levels, strictly rising")
        return levels


class Target(_Section):
    """At most one of three ways to say how much service is wanted."""

    cycle_service_level: Probability | None = None
    fill_rate: Probability | None = None
    stockout_cost: Annotated[float, Field(gt=0)] | None = None

    @property
    def given(self) -> dict[str, float]:
        """The target as name → value; empty where none is given."""
        values = {name: getattr(self, name) for name in Target.model_fields}
        return {name: value for name, value in values.items() if value is not None}

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if len(self.given) > 1:
            raise ValueError(f"takes one service target, found {', '.join(self.given)}")
        return self


class Defaults(Target):
    """Terms of an item-location that its own row does not state."""

    lead_time_days: Days = 14
    lead_time_sd_days: Days = 0
    review_period_days: PositiveDays = 7
    holding_rate_per_year: Annotated[float, Field(gt=0)] = 0.25
    fixed_cost: Annotated[float, Field(ge=0)] = 0
    min_order_quantity: Annotated[float, Field(ge=0)] = 0
    pack_size: Annotated[float, Field(gt=0)] = 1

    @property
    def terms(self) -> dict[str, float]:
        """Every default term; a cycle service level of 0.95 where no target is given."""
        target = self.given or {"cycle_service_level": 0.95}
        return {**self.model_dump(exclude=set(Target.model_fields)), **target}


class Inventory(_Section):
    """The world that the plan is made for."""

    unmet_demand: Literal["lost_sales", "backorders"] = "lost_sales"
    review_anchor: date = MONDAY
    max_stock_age_days: Annotated[int, Field(ge=0)] = 7
    approval_expires_after_days: Annotated[int, Field(ge=0)] = 14
    defaults: Defaults = Defaults()
    class_targets: dict[Annotated[str, Field(pattern="^[ABCN]?[XYZN]?$", min_length=1)], Target] = {}


class Config(_Section):
    """The whole configuration."""

    warehouse: str
    database: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")] = "skucast"
    frequency: Frequency
    timezone: str
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    complete_until: date | None = None
    lock_wait_seconds: Annotated[float, Field(ge=0)] = 0
    sources: dict[str, Source] = {}
    ingest: Ingest = Ingest()
    demand: Demand = Demand()
    forecast: Forecast = Forecast()
    inventory: Inventory = Inventory()
    spark: dict[Annotated[str, Field(pattern=r"^spark\.")], str | int | float | bool] = {}

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("needs a name of the IANA time zone database, such as Europe/London")
        return zone

    @field_validator("sources")
    @classmethod
    def _known_tables(cls, sources: dict[str, Source]) -> dict[str, Source]:
        allowed = {"sales_line": SALES_COLUMNS} | {table.name: set(table.names) for table in INPUT_TABLES}
        for table, source in sources.items():
            if table not in allowed:
                raise ValueError(f"{table} is no input table; allowed: {', '.join(sorted(allowed))}")
            unknown = sorted(set(source.columns) - allowed[table])
            if unknown:
                raise ValueError(
                    f"{table}.columns: {', '.join(unknown)} not in the contract; allowed: "
                    f"{', '.join(sorted(allowed[table]))}"
                )
        return sources

    @model_validator(mode="after")
    def _levels_reach_the_targets(self) -> Self:
        low, high = self.forecast.quantile_levels[0], self.forecast.quantile_levels[-1]
        targets = [self.inventory.defaults, *self.inventory.class_targets.values()]
        for level in (target.cycle_service_level for target in targets):
            if level is not None and not low <= level <= high:
                raise ValueError(
                    f"cycle_service_level {level} lies outside forecast.quantile_levels ({low} … {high}): add a level "
                    "beyond it, quantiles are never extrapolated"
                )
        return self

    @property
    def hash(self) -> str:
        """Hash of everything that can change a result."""
        text = json.dumps(self.model_dump(mode="json", exclude={"lock_wait_seconds", "spark"}), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def spark_settings(self) -> dict[str, str]:
        """Spark settings as text, the way Spark takes them."""
        return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in self.spark.items()}


SALES_COLUMNS = (set(TABLES["sales_line"].names) | {"customer_id"}) - {
    "cancels_line", "cancelled_at", "customer_key", "source_file", "batch_id",
}  # fmt: skip
"""Contract columns that a mapping of sales_line may give; the rest is made at ingestion."""


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read the file (and the ones it extends), apply ``key.path=value`` overrides, check everything.

    Raises:
        ConfigError: naming every violation with its path, what was found and what is allowed.
    """
    tree = _read(Path(path))
    for override in overrides:
        _apply(tree, override)
    try:
        # Strict validation takes lists for tuples and text for dates from JSON only.
        return Config.model_validate_json(json.dumps(tree, default=str))
    except ValidationError as problem:
        raise ConfigError(_worded(str(path), problem)) from None


def _read(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    if path.resolve() in above:
        raise ConfigError(f"configuration {path} extends itself by way of {above[-1]}: remove one `extends`")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigError(f"configuration {path}: {problem.strerror}; give an existing file with --config") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ConfigError(f"configuration {path} is not valid YAML in UTF-8: {problem}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"configuration {path}: found {type(tree).__name__}, expected keys and values")
    merged: dict[str, Any] = {}
    for name in _names(path, tree.pop("extends", [])):
        merged = _overlay(merged, _read(path.parent / name, (*above, path.resolve())))
    return _overlay(merged, tree)


def _names(path: Path, extends: Any) -> list[str]:
    names = [extends] if isinstance(extends, str) else extends
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"configuration {path}: extends: found {extends!r}; expected a file name or a list of them")
    return names


def _overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _overlay(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _apply(tree: dict[str, Any], override: str) -> None:
    key, found, value = override.partition("=")
    if not found or not all(key.split(".")):
        raise ConfigError(f"--set {override}: expected key.path=value, such as --set forecast.horizon=8")
    *parents, last = key.split(".") if not key.startswith("spark.") else ["spark", key.removeprefix("spark.")]
    for parent in parents:
        tree = tree.setdefault(parent, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"--set {override}: {parent} holds a value, not keys; check the path")
    try:
        tree[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override}: {value!r} is not valid YAML; quote it if it is text") from None


def _worded(path: str, problem: ValidationError) -> str:
    lines = []
    for error in problem.errors():
        where = ".".join(str(part) for part in error["loc"] if part != "[key]") or "(whole file)"
        allowed = error["msg"].removeprefix("Value error, ").replace("Input should", "must")
        found = "" if error["type"] == "missing" or isinstance(error["input"], dict) else f"found {error['input']!r}; "
        lines.append(f"  - {where}: {found}{_KINDS.get(error['type'], allowed)}")
    return f"configuration {path} cannot be used:\n" + "\n".join(lines)


_KINDS = {
    "missing": "missing, and it is never guessed: add it",
    "extra_forbidden": "unknown key: remove it or correct its spelling",
}
