-- Order plan: one row per item and location: the policy, the position, what to order and why. Three stages, three
-- columns: target (what the policy says) → raw_quantity (what the position lacks) → final_quantity (what the supplier
-- takes).

-- An order that is due on cover_until or later cannot help before the next one does. An overdue one is still expected.
WITH expecting AS (
  SELECT
    *,
    coalesce(aggregate(deliveries, 0D, (sum, due) -> sum + IF(due.due_date < cover_until, due.remaining, 0D)), 0D)
                                                                             AS on_order,
    coalesce(aggregate(deliveries, 0D, (sum, due) -> sum + IF(due.due_date < :decision_date, due.remaining, 0D)), 0D)
                                                                             AS overdue,
    coalesce(aggregate(deliveries, 0D, (sum, due) -> sum + IF(due.due_date >= cover_until, due.remaining, 0D)), 0D)
                                                                             AS on_order_later,
    greatest(policy_weakness, coalesce(delivery_weakness, 0))                AS weakest
  FROM {policy}
  LEFT JOIN {deliveries} USING (item_id, location_id)
),

known AS (
  SELECT *, position_of(on_hand, on_order, backorders, reserved) AS inventory_position FROM expecting
),

-- The first obstacle names the reason. Unknown stock is never zero stock: it stops the order.
reasoned AS (
  SELECT
    *,
    quantity_up_to(inventory_position, reorder_point, order_up_to_level)     AS quantity_lacking,
    CASE
      WHEN do_not_order THEN 'do_not_order'
      WHEN :decision_date < active_from OR :decision_date > active_to THEN 'inactive'
      WHEN next_review > :decision_date THEN 'no_review'
      WHEN inventory_position IS NULL THEN 'stock_unknown'
      WHEN NOT has_forecast THEN 'no_forecast'
      WHEN quantity_up_to(inventory_position, reorder_point, order_up_to_level) > 0 THEN 'below_reorder_point'
      ELSE 'covered'
    END                                                                      AS reason
  FROM known
),

needed AS (
  SELECT *, IF(reason = 'below_reorder_point', quantity_lacking, 0D) AS raw_quantity FROM reasoned
),

sized AS (
  SELECT *, orderable_quantity(raw_quantity, min_order_quantity, pack_size) AS final_quantity FROM needed
),

bound AS (
  SELECT
    *,
    constraint_that_bound(raw_quantity, min_order_quantity, final_quantity)  AS binding_constraint,
    -- Numbers in words: no trailing zeros; two decimals, four where less than a unit is held.
    IF(order_up_to_level > 0 AND order_up_to_level < 1, '0.####', '0.##')    AS digits
  FROM sized
),

-- The pieces of the sentence.
worded AS (
  SELECT
    *,
    IF(inventory_position IS NULL, 'the position is unknown', concat(
      'the position ', format_number(inventory_position, digits),
      ' (on hand ', format_number(on_hand, digits), ', on order ', format_number(on_order, digits),
      IF(overdue > 0, concat(', of which overdue ', format_number(overdue, digits)), ''),
      IF(backorders > 0, concat(', backorders ', format_number(backorders, digits)), ''),
      IF(reserved > 0, concat(', reserved ', format_number(reserved, digits)), ''), ')'
    ))                                                                       AS position_text,
    concat(
      'the reorder point ', format_number(reorder_point, digits),
      ', which covers demand of ', protection_period, IF(protection_period = 1, ' period', ' periods'),
      ' with probability ', format_number(100 * cycle_service_level, '0.##'), ' %',
      IF(target_kind = 'fill_rate', concat(' for a fill rate of ', format_number(100 * fill_rate, '0.##'), ' %'), '')
    )                                                                        AS reorder_point_text,
    CASE binding_constraint
      WHEN 'none' THEN ''
      WHEN 'min_order_quantity' THEN concat(
        ', raised to ', format_number(final_quantity, digits),
        ' by the minimum order of ', format_number(min_order_quantity, digits))
      ELSE concat(
        ', raised to ', format_number(final_quantity, digits), ' by ',
        IF(min_order_quantity > raw_quantity,
           concat('the minimum order of ', format_number(min_order_quantity, digits), ' and '), ''),
        'packs of ', format_number(pack_size, digits))
    END                                                                      AS constraint_text
  FROM bound
)

SELECT
  *,
  order_up_to_level                                                          AS target,
  :decision_date                                                             AS decision_date,
  :run_id                                                                    AS run_id,
  'proposed'                                                                 AS status,
  final_quantity * unit_cost                                                 AS value,
  -- How long the position lasts at mean demand.
  IF(inventory_position * :period_days <= 3650 * mean_per_period,
     try_divide(inventory_position * :period_days, mean_per_period), NULL) AS days_of_cover,
  CASE weakest WHEN 2 THEN 'default' WHEN 1 THEN 'simulated' ELSE 'measured' END AS provenance,
  CASE reason
    WHEN 'do_not_order' THEN concat(
      'No order: the item is marked do-not-order here; ', position_text, ', ', reorder_point_text, '.')
    WHEN 'inactive' THEN IF(
      :decision_date < active_from,
      concat('No order: the item is replenished here only from ', active_from, ' on.'),
      concat('No order: the item is replenished here only until ', active_to, '.'))
    WHEN 'no_review' THEN concat(
      'No order: no review on ', :decision_date, '; there is one every ',
      review_period, IF(review_period = 1, ' period', ' periods'), ', the next on ', next_review, '.')
    WHEN 'stock_unknown' THEN coalesce(
      concat('No order: newest stock count is of ', counted_on, ', ', datediff(:decision_date, counted_on),
             ' days before the decision, allowed are ', :max_stock_age_days, '.'),
      concat('No order: no stock was counted up to ', :decision_date, ', and unknown stock is not zero stock.'))
    WHEN 'no_forecast' THEN concat('No order: no forecast says what would be needed; ', position_text, '.')
    WHEN 'below_reorder_point' THEN concat(
      'Order ', format_number(final_quantity, digits), ': ', position_text, ' is at or below ', reorder_point_text,
      '; up to ', format_number(order_up_to_level, digits), ' needs ', format_number(raw_quantity, digits),
      constraint_text, '.')
    ELSE concat(
      'No order: ', position_text,
      IF(round(inventory_position - reorder_point, 9) > 0,
         concat(' is above ', reorder_point_text),
         concat(' is already at the order-up-to level ', format_number(order_up_to_level, digits))), '.')
  END                                                                        AS explanation
FROM worded
