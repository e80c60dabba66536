-- Ahead: one row per item and location: the policy, the position, and what is needed to follow the stock: the forecast
-- step by step, and what will be delivered in each step.

WITH forecast_steps AS (
  SELECT
    item_id,
    location_id,
    any_value(quantile_levels)                                     AS levels,
    array_sort(collect_list(struct(step, quantiles, cumulative_quantiles))) AS all_steps
  FROM {forecast}
  GROUP BY item_id, location_id
),

-- An order that is due on cover_until or later cannot help before the next one does. An overdue one is still expected.
expecting AS (
  SELECT
    *,
    coalesce(aggregate(deliveries, 0D, (sum, due) -> sum + IF(due.due_date < cover_until, due.remaining, 0D)), 0D)
                                                                   AS on_order,
    coalesce(aggregate(deliveries, 0D, (sum, due) -> sum + IF(due.due_date < :decision_date, due.remaining, 0D)), 0D)
                                                                   AS overdue,
    coalesce(aggregate(deliveries, 0D, (sum, due) -> sum + IF(due.due_date >= cover_until, due.remaining, 0D)), 0D)
                                                                   AS on_order_later,
    greatest(policy_weakness, coalesce(delivery_weakness, 0))      AS weakest,
    -- Until the longest lead time and the review after it have passed; beyond, nothing hangs on this order.
    slice(all_steps, 1, size(lead_time_law) - 1 + review_period)   AS steps
  FROM {policy}
  LEFT JOIN {deliveries} USING (item_id, location_id)
  LEFT JOIN forecast_steps USING (item_id, location_id)
)

SELECT
  *,
  position_of(on_hand, on_order, backorders, reserved)             AS inventory_position,
  on_hand - backorders - reserved                                  AS opening,
  -- Goods that are due within a period help from the next one on; overdue ones are expected in the next period.
  transform(steps, each -> coalesce(aggregate(
    deliveries, 0D,
    (sum, due) -> sum + IF(
      IF(due.due_date < :decision_date, 1, ceil(datediff(due.due_date, :decision_date) / :period_days)) = each.step - 1,
      due.remaining, 0D)), 0D))                                    AS receipts,
  IF(target_kind = 'fill_rate', fill_rate, NULL)                   AS fill_rate_asked,
  xxhash64(item_id, location_id)                                   AS seed
FROM expecting
