-- Policy: one row per item and location: the reorder point s and the order-up-to level S of the (R, s, S) policy, and
-- what they are made of, beside the terms. s is the wanted quantile of demand over R + L periods; S adds what the
-- economic lot exceeds the demand of one review.

-- Demand until the next order arrives, and until this one does: each lead time of the law with its probability. One that
-- is longer than the forecast reaches counts with the last of its periods.
WITH mixed AS (
  SELECT
    *,
    element_at(forecast_steps, least(protection_period, size(forecast_steps))).spread_rung AS spread_rung,
    demand_over(lead_time_law, review_period, levels, forecast_steps.cumulative_mean, forecast_steps.cumulative_sd,
                forecast_steps.cumulative_quantiles)               AS protected,
    demand_over(lead_time_law, 0, levels, forecast_steps.cumulative_mean, forecast_steps.cumulative_sd,
                forecast_steps.cumulative_quantiles)               AS before_arrival
  FROM {terms}
),

-- Who asks for what: the row before its class (both letters, then ABC, then XYZ), the class before the default.
asked AS (
  SELECT
    *,
    coalesce(
      row_target,
      try_element_at(:targets, concat(abc_class, xyz_class)),
      try_element_at(:targets, abc_class),
      try_element_at(:targets, xyz_class),
      try_element_at(:targets, 'default')
    )                                                              AS wanted
  FROM mixed
),

-- A cost makes a target only beside the cost of holding; else the default answers, and target_source says so.
aimed AS (
  SELECT
    *,
    IF(wanted.kind = 'cost' AND holding_cost IS NULL, try_element_at(:targets, 'fallback'), wanted) AS aim,
    coalesce(protected.mean, 0D)                                   AS demand_mean,
    -- The demand that this review's order answers for: the last R of the R + L periods.
    coalesce(protected.mean - coalesce(before_arrival.mean, 0D), 0D) AS review_demand
  FROM asked
),

-- Where a fill rate is asked for: the one that each quantile of the grid would give, if it were s.
gridded AS (
  SELECT *, IF(aim.kind = 'fill_rate', protected.quantiles, NULL) AS grid FROM aimed
),

grid_short AS (
  SELECT
    *,
    expected_shortages(grid, protected.levels, protected.quantiles) AS grid_shortages,
    expected_shortages(grid, before_arrival.levels, before_arrival.quantiles) AS grid_shortages_before
  FROM gridded
),

graded AS (
  SELECT *, fill_rates(grid_shortages, grid_shortages_before, review_demand) AS grid_fill_rates FROM grid_short
),

-- Every aim becomes a probability.
levelled AS (
  SELECT
    *,
    CASE
      WHEN aim.kind = 'cost' THEN critical_ratio(aim.value, holding_cost, review_period)
      WHEN aim.kind = 'cycle_service_level' THEN aim.value
      -- Without demand no cycle runs short.
      WHEN demand_mean = 0 THEN 1D
      ELSE interpolate(aim.value, grid_fill_rates, protected.levels)
    END                                                            AS level_asked
  FROM graded
),

-- Outside the forecast's levels nothing is known: the outer level is the most that can be had.
reachable AS (
  SELECT
    *,
    IF(demand_mean = 0, level_asked,
       greatest(array_min(protected.levels), least(array_max(protected.levels), level_asked))) AS level
  FROM levelled
),

-- A review orders the demand of R periods at least; the lot is larger where ordering is dear.
with_reorder_point AS (
  SELECT
    *,
    coalesce(interpolate(level, protected.levels, protected.quantiles), 0D) AS reorder_point,
    economic_order_quantity(fixed_cost, mean_per_period, holding_cost) AS economic_order_quantity,
    review_period * mean_per_period                                AS smallest_lot
  FROM reachable
),

with_lot AS (
  SELECT
    *,
    reorder_point - demand_mean                                    AS safety_stock,
    IF(replenishment_policy IN ('base_stock', 'R_S'), smallest_lot,
       greatest(coalesce(economic_order_quantity, 0D), smallest_lot)) AS lot,
    expected_shortages(array(reorder_point), protected.levels, protected.quantiles) AS shortage,
    expected_shortages(array(reorder_point), before_arrival.levels, before_arrival.quantiles) AS shortage_before
  FROM with_reorder_point
),

with_average_stock AS (
  SELECT
    *,
    greatest(safety_stock, 0D) + lot / 2                           AS average_stock,
    get(fill_rates(shortage, shortage_before, review_demand), 0)   AS fill_rate_implied
  FROM with_lot
)

SELECT
  item_id,
  location_id,
  supplier_id,
  lead_time,
  lead_time_days,
  lead_time_sd_days,
  lead_time_source,
  lead_time_receipts,
  ordering_wait_days,
  safety_lead_time_days,
  lead_time_law,
  review_period,
  protection_period,
  arrival_date,
  cover_until,
  next_review,
  demand_mean,
  coalesce(protected.sd, 0D)                                       AS demand_sd,
  coalesce(spread_rung, 'none')                                    AS spread_rung,
  mean_per_period,
  levels,
  forecast_steps,
  aim.kind                                                         AS target_kind,
  -- Costs may ask for more than the highest level that is forecast.
  concat(aim.source, IF(aim.kind = 'cost' AND level < level_asked, ', limited by the highest quantile level', ''))
                                                                   AS target_source,
  level                                                            AS cycle_service_level,
  CASE WHEN aim.kind = 'fill_rate' THEN aim.value WHEN review_demand > 0 THEN fill_rate_implied END AS fill_rate,
  reorder_point,
  replenishment_policy,
  lot,
  smallest_lot,
  reorder_point + lot - IF(replenishment_policy = 's_Q', 0D, smallest_lot) AS order_up_to_level,
  economic_order_quantity,
  safety_stock,
  textbook_safety_stock(level, protected.sd_of_demand, mean_per_period, lead_time_sd_days / :period_days) AS safety_stock_textbook,
  abc_class,
  xyz_class,
  holding_cost,
  -- What a missed unit costs: as given, or what makes the level the best one.
  IF(aim.kind = 'cost', aim.value, try_divide(holding_cost * review_period * level, 1 - level)) AS shortage_cost,
  fixed_cost,
  holding_cost * 365 / :period_days * average_stock                AS annual_holding_cost,
  try_divide(mean_per_period * 365 / :period_days, average_stock)  AS turnover,
  protected IS NOT NULL                                            AS has_forecast,
  min_order_quantity,
  max_order_quantity,
  pack_size,
  pallet_size,
  rounding,
  max_stock,
  max_cover_days,
  unit_cost,
  unit_price,
  unit_volume,
  category,
  do_not_order,
  active_from,
  active_to,
  counted_on,
  counted,
  stock_as_of,
  on_hand,
  backorders,
  reserved,
  greatest(terms_weakness, IF(aim.source = 'default', weakness('default'), 0)) AS policy_weakness
FROM with_average_stock
