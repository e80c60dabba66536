-- Forecast steps: one row per item and location with a forecast: what it says of each step, and of the sum up to it.

SELECT
  item_id,
  location_id,
  any_value(quantile_levels)                                       AS levels,
  sort_array(collect_list(struct(
    step, quantiles, cumulative_mean, cumulative_sd, cumulative_quantiles, spread_rung))) AS forecast_steps,
  -- The mean over the whole horizon; cumulative means rise with the step, so the last one is the largest.
  max(cumulative_mean) / max(step)                                 AS mean_per_period
FROM {forecast}
GROUP BY item_id, location_id
