-- Ahead: one row per item and location: the policy, the position, and what is needed to follow the stock: the forecast
-- step by step, and what will be delivered when.

-- An order that is expected on cover_until or later cannot help before the next one does. An overdue one is still
-- awaited, unless it is given up.
WITH expecting AS (
  SELECT
    * EXCEPT (forecast_steps, given_up),
    coalesce(given_up, 0D)                                         AS given_up,
    coalesce(aggregate(deliveries, 0D, (sum, due) -> sum + IF(due.expected_on < cover_until, due.remaining, 0D)), 0D)
                                                                   AS on_order,
    coalesce(aggregate(deliveries, 0D, (sum, due) -> sum + IF(due.due_date < :decision_date, due.remaining, 0D)), 0D)
                                                                   AS overdue,
    coalesce(aggregate(deliveries, 0D, (sum, due) -> sum + IF(due.expected_on >= cover_until, due.remaining, 0D)), 0D)
                                                                   AS on_order_later,
    greatest(policy_weakness, coalesce(delivery_weakness, 0))      AS weakest,
    -- By how much demand until the next review may exceed its mean, at a normal review.
    element_at(
      element_at(forecast_steps, least(review_period, size(forecast_steps))).cumulative_quantiles,
      least(1 + size(filter(levels, level -> level < 1 - :false_alarm_share)), size(levels))
    ) - element_at(forecast_steps, least(review_period, size(forecast_steps))).cumulative_mean AS demand_swing,
    -- Until the longest lead time and the review after it have passed; beyond, nothing hangs on this order.
    slice(forecast_steps, 1, size(lead_time_law) - 1 + review_period) AS steps
  FROM {policy}
  LEFT JOIN {deliveries} USING (item_id, location_id)
)

SELECT
  *,
  position_of(on_hand, on_order, backorders, reserved)             AS inventory_position,
  on_hand - backorders - reserved                                  AS opening,
  flatten(transform(deliveries, due -> transform(due.parts, comes ->
    IF(comes = 1, due.law, transform(due.law, share -> share * comes))))) AS delivery_laws,
  flatten(transform(deliveries, due ->
    transform(due.parts, comes -> due.remaining / size(due.parts)))) AS delivery_quantities,
  xxhash64(item_id, location_id)                                   AS seed
FROM expecting
