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

-- A cost makes a target only beside the cost of holding; else the default answers, and target_source says so. A review
-- orders the demand of R periods at least; the lot is larger where ordering is dear.
aimed AS (
  SELECT
    *,
    IF(wanted.kind = 'cost' AND holding_cost IS NULL, try_element_at(:targets, 'fallback'), wanted) AS aim,
    coalesce(protected.mean, 0D)                                   AS demand_mean,
    -- The demand that this review's order answers for: the last R of the R + L periods.
    coalesce(protected.mean - coalesce(before_arrival.mean, 0D), 0D) AS review_demand,
    economic_order_quantity(fixed_cost, mean_per_period, holding_cost) AS economic_order_quantity,
    review_period * mean_per_period                                AS smallest_lot
  FROM asked
),

with_lot AS (
  SELECT
    *,
    IF(replenishment_policy IN ('base_stock', 'R_S'), smallest_lot,
       greatest(coalesce(economic_order_quantity, 0D), smallest_lot)) AS lot
  FROM aimed
),

-- A stock-out threatens once per order, so fill rates and costs are of what a usual order brings.
per_order AS (
  SELECT
    *,
    demand_per_order(smallest_lot, usual_order(lot, min_order_quantity, pack_size, coalesce(protected.unit, 0D)),
                     :unmet_demand)                                AS demand_per_order,
    IF(aim.kind = 'fill_rate', aim.value, NULL)                    AS fill_rate_asked
  FROM with_lot
),

weighed AS (
  SELECT
    *,
    overage_periods(review_period, demand_per_order, mean_per_period, lead_time, :unmet_demand) AS overage_periods,
    stock_for_fill_rate(fill_rate_asked, protected.levels, protected.quantiles, before_arrival.quantiles,
                        greatest(review_demand, demand_per_order)) AS for_fill_rate
  FROM per_order
),

-- Every aim becomes a probability.
levelled AS (
  SELECT
    *,
    CASE
      WHEN aim.kind = 'cost' THEN critical_ratio(aim.value, holding_cost, overage_periods)
      WHEN aim.kind = 'cycle_service_level' THEN aim.value
      -- Without demand no cycle runs short.
      WHEN demand_mean = 0 THEN 1D
      ELSE coalesce(for_fill_rate.level, array_min(protected.levels))
    END                                                            AS level_asked
  FROM weighed
),

-- Below the lowest level of the forecast demand is flat; beyond the outer one its tail is continued.
reachable AS (
  SELECT
    *,
    IF(demand_mean = 0, level_asked, greatest(array_min(protected.levels), level_asked)) AS level,
    demand_mean > 0 AND level_asked > array_max(protected.levels)  AS is_extrapolated
  FROM levelled
),

with_reorder_point AS (
  SELECT
    *,
    coalesce(for_fill_rate.stock, IF(demand_mean = 0, 0D, quantile_of(level, protected.levels, protected.quantiles)), 0D)
                                                                   AS reorder_point
  FROM reachable
),

with_safety_stock AS (
  SELECT
    *,
    reorder_point - demand_mean                                    AS safety_stock,
    expected_shortages(array(reorder_point), protected.levels, protected.quantiles) AS shortage,
    expected_shortages(array(reorder_point), before_arrival.levels, before_arrival.quantiles) AS shortage_before
  FROM with_reorder_point
),

with_average_stock AS (
  SELECT
    *,
    greatest(safety_stock, 0D) + lot / 2                           AS average_stock,
    get(fill_rates(shortage, shortage_before, greatest(review_demand, demand_per_order)), 0) AS fill_rate_implied
  FROM with_safety_stock
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
  aim.source                                                       AS target_source,
  level                                                            AS cycle_service_level,
  -- Never more than the reorder point gives.
  CASE WHEN review_demand = 0 THEN fill_rate_asked ELSE least(fill_rate_asked, fill_rate_implied) END AS fill_rate,
  fill_rate_asked,
  is_extrapolated,
  demand_per_order,
  overage_periods,
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
  IF(aim.kind = 'cost', aim.value, try_divide(holding_cost * overage_periods * level, 1 - level)) AS shortage_cost,
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
