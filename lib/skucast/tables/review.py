"""What past forecasts and policies promised, and what became of it."""

from skucast.tables.contract import Column, Table
from skucast.tables.inputs.stock import ITEM_ID, LOCATION_ID

_DECISION_DATE = Column("decision_date", "date", "", "Date of the review: what was known before it is used. [D]",
                        required=True)  # fmt: skip
_CLASS = Column("demand_class", "string", "", "Demand class at the newest of these forecasts.", required=True)
_METHOD = Column("method", "string", "", "Method of the newest of these forecasts.", required=True)
_RUN_ID = Column("run_id", "string", "", "Run that wrote the row.", required=True, volatile=True)
_MEASURES = (
    Column("n_forecasts", "int", "", "Forecasts whose protection period has ended with all its demand known.",
           required=True),
    Column("n_censored", "int", "", "Forecasts in whose protection period stock ran out; they count in the tests only.",
           required=True),
    Column("actual_sum", "double", "u", "Demand of the protection periods of n_forecasts.", required=True),
    Column("error_sum", "double", "u", "Actual less mean, summed: bias is error_sum / actual_sum.", required=True),
    Column("absolute_error_sum", "double", "u", "WAPE is absolute_error_sum / actual_sum.", required=True),
    Column("squared_error_sum", "double", "u²",
           "√(squared_error_sum / promised_variance_sum) is the error in promised standard deviations; 1 as promised.",
           required=True),
    Column("promised_variance_sum", "double", "u²", "Variances that were promised, summed.", required=True),
    Column("n_windows", "int", "", "Protection periods that do not overlap, the newest first; coverage counts these.",
           required=True),
    Column("quantile_levels", "array<double>", "share", "Levels of the counts that follow.", required=True),
    Column("not_above", "array<double>", "",
           "Windows with demand not above each quantile; not_above / n_windows >= level if the promise holds.",
           required=True, check="size(not_above) = size(quantile_levels)"),
    Column("below", "array<double>", "", "Windows with demand below it; below / n_windows <= level if it holds.",
           required=True, check="size(below) = size(quantile_levels)"),
    Column("n_cycles", "int", "", "Windows with a policy and known demand.", required=True),
    Column("cycles_served", "double", "", "Of these, with demand not above the reorder point.", required=True),
    Column("cycles_promised", "double", "", "Sum of their promised cycle service levels.", required=True),
)  # fmt: skip
_FACTOR = Column("spread_factor", "double", "",
                 "Multiplier on the width of the next forecast's intervals.",
                 required=True, check="spread_factor > 0")  # fmt: skip
_VERDICTS = "'too_few', 'stable', 'biased_low', 'biased_high', 'drifted', 'under_covered', 'over_covered'"
_FINDING = (
    Column("verdict", "string", "",
           "too_few, stable, biased_low (forecasts too low), biased_high, drifted (lately, in one direction), "
           "under_covered (quantiles exceeded too often) or over_covered.", required=True,
           check=f"verdict IN ({_VERDICTS})"),
    Column("action", "string", "", "What the next forecast does: none, recalibrate or reselect.", required=True,
           check="action IN ('none', 'recalibrate', 'reselect')"),
    Column("explanation", "string", "", "The verdict in one phrase with its numbers.", required=True),
    _RUN_ID,
)  # fmt: skip

FORECAST_REVIEW = Table(
    name="forecast_review",
    comment="What became of the past forecasts and reorder points of a series, and whether that is as promised.",
    keys=("item_id", "location_id", "decision_date"),
    partitioned_by=("decision_date",),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        _DECISION_DATE,
        _CLASS,
        _METHOD,
        *_MEASURES,
        Column("n_scores", "int", "", "Times from one forecast to the next with demand: what drift is tested on.",
               required=True),
        Column("mean_score", "double", "", "Their standardised errors, summed over √n; about standard normal.",
               required=True),
        Column("cusum_above", "double", "", "Cumulative sum of demand above the promise. [C⁺]", required=True),
        Column("cusum_below", "double", "", "The same below it. [C⁻]", required=True),
        Column("tracking_signal", "double", "", "Smoothed error over smoothed absolute error; null without any error.",
               check="tracking_signal BETWEEN -1.000001 AND 1.000001"),
        _FACTOR,
        *_FINDING,
    ),
)  # fmt: skip

FORECAST_REVIEW_CLASS = Table(
    name="forecast_review_class",
    comment="The same of all series with one demand class and method.",
    keys=("decision_date", "demand_class", "method"),
    partitioned_by=("decision_date",),
    columns=(
        _DECISION_DATE,
        _CLASS,
        _METHOD,
        Column("n_series", "bigint", "", "Series reviewed.", required=True),
        *_MEASURES,
        Column("n_cutoffs", "int", "", "Cutoffs with scores: what bias is tested on, as series err together.",
               required=True),
        Column("mean_score", "double", "", "Mean standardised error over the cutoffs.", required=True),
        Column("student_t", "double", "", "That mean over its standard error between cutoffs; null below 2."),
        Column("fitted_factor", "double", "",
               "Spread factor that the older and the newer half of the windows both ask for.", required=True),
        _FACTOR,
        *_FINDING,
    ),
)  # fmt: skip
