"""Forecasts, how they were tested, and what became of every series."""

from skucast.tables.contract import Column, Table
from skucast.tables.inputs.stock import ITEM_ID, LOCATION_ID

CUTOFF = Column("cutoff", "date", "", "First day of the last period that the forecast was allowed to see.",
                required=True)  # fmt: skip
_METHOD = Column("method", "string", "", "Forecasting method.", required=True)

FORECAST = Table(
    name="forecast",
    comment="Distribution of demand per step and summed over steps.",
    keys=("item_id", "location_id", "cutoff", "step"),
    partitioned_by=("cutoff",),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        CUTOFF,
        Column("step", "int", "p", "How many periods ahead; 1 is the period that starts on the decision date.",
               required=True, check="step >= 1"),
        Column("period_start", "date", "", "First day of the forecast period.", required=True),
        Column("quantile_levels", "array<double>", "share", "Probabilities of the quantiles.", required=True),
        Column("mean", "double", "u/p", "Expected demand in the period.", required=True, check="mean >= 0"),
        Column("quantiles", "array<double>", "u/p", "Quantiles of demand in the period.", required=True,
               check="size(quantiles) = size(quantile_levels)"),
        Column("cumulative_mean", "double", "u", "Expected demand summed over steps 1 to this one.", required=True,
               check="cumulative_mean >= 0"),
        Column("cumulative_sd", "double", "u", "Standard deviation of that sum.", required=True,
               check="cumulative_sd >= 0"),
        Column("cumulative_quantiles", "array<double>", "u", "Quantiles of that sum; never the sum of quantiles.",
               required=True, check="size(cumulative_quantiles) = size(quantile_levels)"),
        Column("spread_rung", "string", "",
               "Whose errors the spread comes from: group (class and activity), class, all or prior; of a cold start "
               "whose launches: category or all.", required=True),
        _METHOD,
        Column("run_id", "string", "", "Run that wrote the row.", required=True, volatile=True),
    ),
)  # fmt: skip

FORECAST_COMPONENT = Table(
    name="forecast_component",
    comment="What a forecast's mean is made of; written on request (forecast.components).",
    keys=("item_id", "location_id", "cutoff", "step", "component"),
    partitioned_by=("cutoff",),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        CUTOFF,
        Column("step", "int", "p", "How many periods ahead.", required=True, check="step >= 1"),
        Column("component", "string", "",
               "level, trend, season…, event_… or driver_…, or bounds (what keeps the mean at 0 or above); "
               "all components of a step add up to its mean.", required=True),
        Column("value", "double", "u/p", "Share of the mean.", required=True),
        _METHOD,
        Column("run_id", "string", "", "Run that wrote the row.", required=True, volatile=True),
    ),
)  # fmt: skip

BACKTEST = Table(
    name="backtest",
    comment="How each candidate did at each rolling origin.",
    keys=("item_id", "location_id", "cutoff", "origin", "method"),
    partitioned_by=("cutoff",),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        CUTOFF,
        Column("origin", "date", "", "First day of the last period that this test forecast saw.", required=True),
        _METHOD,
        Column("demand_class", "string", "", "Demand class of the series at the cutoff.", required=True),
        Column("is_champion", "boolean", "", "This method was chosen for the series.", required=True),
        Column("n_scored", "int", "p", "Steps with known demand.", required=True, check="n_scored >= 0"),
        Column("sum_squared_error", "double", "u²", "Sum over the scored steps.", required=True),
        Column("sum_absolute_error", "double", "u", "Sum over the scored steps.", required=True),
        Column("sum_error", "double", "u", "Sum of actual minus forecast.", required=True),
        Column("naive_squared_error", "double", "u²",
               "Mean squared one-step change of the history at the origin: the denominator of RMSSE.", required=True),
        Column("scale", "double", "u", "Spread scale of the series at the origin; champion only."),
        Column("forecasts", "array<double>", "u/p", "Forecast of each step; champion only."),
        Column("actuals", "array<double>", "u/p", "Demand of each step, null where unknown; champion only."),
        Column("run_id", "string", "", "Run that wrote the row.", required=True, volatile=True),
    ),
)  # fmt: skip

FORECAST_ACCURACY = Table(
    name="forecast_accuracy",
    comment="How accurate forecasts were in the backtest: any roll-up is sum(numerator) / sum(denominator).",
    keys=("item_id", "location_id", "cutoff", "method", "basis", "metric", "quantile_level"),
    partitioned_by=("cutoff",),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        CUTOFF,
        _METHOD,
        Column("is_champion", "boolean", "", "This method was chosen for the series.", required=True),
        Column("demand_class", "string", "", "Demand class of the series at the cutoff.", required=True),
        Column("basis", "string", "", "period: single periods. protection_period: demand summed over it.",
               required=True, check="basis IN ('period', 'protection_period')"),
        Column("span", "int", "p", "Periods that are summed: 1 of single periods.", required=True, check="span >= 1"),
        Column("metric", "string", "",
               "mae, mse (root: RMSE), r2 (1 - ratio), mase, rmsse (root), bias (actual less forecast), wape, pinball, "
               "scaled_pinball, coverage (actual not above the quantile) or coverage_below (actual below it).",
               required=True),
        Column("quantile_level", "double", "share", "Level of pinball and coverage; 0: the metric has none.",
               required=True, check="quantile_level >= 0 AND quantile_level < 1"),
        Column("numerator", "double", "", "Summed over the scored origins.", required=True),
        Column("denominator", "double", "", "Summed over the scored origins.", required=True),
        Column("run_id", "string", "", "Run that wrote the row.", required=True, volatile=True),
    ),
)  # fmt: skip

SERIES_STATUS = Table(
    name="series_status",
    comment="What became of every series: class, method, and why.",
    keys=("item_id", "location_id", "cutoff"),
    partitioned_by=("cutoff",),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        CUTOFF,
        Column("n_periods", "int", "p", "Periods with demand that is known, or known in part.", required=True),
        Column("share_zeros", "double", "share", "Share of the known periods without demand."),
        Column("average_demand_interval", "double", "p", "Periods per period with demand. [ADI]"),
        Column("squared_cv", "double", "", "Squared coefficient of variation of the non-zero demands. [CV²]"),
        Column("demand_class", "string", "", "smooth, erratic, intermittent, lumpy or no_demand.", required=True),
        Column("activity", "string", "",
               "active; quiet or dormant: no demand for longer than its rate makes likely (less than 20 or 2 %).",
               required=True, check="activity IN ('active', 'quiet', 'dormant')"),
        Column("share_censored", "double", "share", "Share of the open periods in which stock ran out.",
               check="share_censored BETWEEN 0 AND 1"),
        Column("lost_demand", "double", "u",
               "Demand that stock-outs are expected to have left unserved in the whole history; null: never in stock.",
               check="lost_demand >= 0"),
        Column("recent_lost_demand", "double", "u/p", "The same per period of the last 8 weeks.",
               check="recent_lost_demand >= 0"),
        _METHOD,
        Column("status", "string", "", "fitted, fallback, too_short, no_demand or cold_start.", required=True,
               check="status IN ('fitted', 'fallback', 'too_short', 'no_demand', 'cold_start')"),
        Column("reason", "string", "", "Why this method, in a phrase.", required=True),
        Column("scale", "double", "u", "Spread scale of the series at the cutoff.", required=True),
        Column("spread_factor", "double", "",
               "Distance of the quantiles from the mean over what the backtest says, by the review of past forecasts.",
               required=True, check="spread_factor > 0"),
        Column("kept_since", "date", "",
               "Cutoff at which the method was chosen that is kept; null: it was chosen for this one."),
        Column("predecessors", "string", "", "Items whose demand the history begins with, as this one succeeds them."),
        Column("revenue_share_before", "double", "share",
               "Share of revenue made by items that earn more: decides which methods are worth their time."),
        Column("parameters", "map<string,double>", "",
               "Fitted parameters of the method; of `combination_weighted` the shares of its members."),
        Column("milliseconds", "double", "ms", "Time spent on the series.", required=True, volatile=True),
        Column("run_id", "string", "", "Run that wrote the row.", required=True, volatile=True),
    ),
)  # fmt: skip
