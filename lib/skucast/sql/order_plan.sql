-- Order plan: one row per item and location: the policy, the position, what to order and why. Three stages, three
-- columns: target (the policy's word) → raw_quantity (what the position lacks) → final_quantity (what the supplier takes).

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
  SELECT *, constraint_that_bound(raw_quantity, min_order_quantity, final_quantity) AS binding_constraint FROM sized
),

-- The pieces of the sentence.
worded AS (
  SELECT
    *,
    IF(inventory_position IS NULL, 'the position is unknown', concat(
      'the position ', number_text(inventory_position),
      ' (on hand ', number_text(on_hand), ', on order ', number_text(on_order),
      IF(overdue > 0, concat(', of which overdue ', number_text(overdue)), ''),
      IF(backorders > 0, concat(', backorders ', number_text(backorders)), ''),
      IF(reserved > 0, concat(', reserved ', number_text(reserved)), ''), ')'
    ))                                                                       AS position_text,
    concat(
      'the reorder point ', number_text(reorder_point),
      ', which covers demand of ', periods_text(protection_period),
      ' with probability ', number_text(100 * cycle_service_level), ' %',
      IF(target_kind = 'fill_rate', concat(' for a fill rate of ', number_text(100 * fill_rate), ' %'), '')
    )                                                                        AS reorder_point_text,
    CASE binding_constraint
      WHEN 'none' THEN ''
      WHEN 'min_order_quantity' THEN concat(
        ', raised to ', number_text(final_quantity), ' by the minimum order of ', number_text(min_order_quantity))
      ELSE concat(
        ', raised to ', number_text(final_quantity), ' by ',
        IF(min_order_quantity > raw_quantity,
           concat('the minimum order of ', number_text(min_order_quantity), ' and '), ''),
        'packs of ', number_text(pack_size))
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
  try_divide(inventory_position * :period_days, mean_per_period)             AS days_of_cover,
  CASE weakest WHEN 2 THEN 'default' WHEN 1 THEN 'simulated' ELSE 'measured' END AS provenance,
  CASE reason
    WHEN 'do_not_order' THEN concat(
      'No order: the item is marked do-not-order here; ', position_text, ', ', reorder_point_text, '.')
    WHEN 'inactive' THEN IF(
      :decision_date < active_from,
      concat('No order: the item is replenished here only from ', active_from, ' on.'),
      concat('No order: the item is replenished here only until ', active_to, '.'))
    WHEN 'no_review' THEN concat(
      'No order: no review on ', :decision_date, '; there is one every ', periods_text(review_period),
      ', the next on ', next_review, '.')
    WHEN 'stock_unknown' THEN coalesce(
      concat('No order: newest stock count is of ', counted_on, ', ', datediff(:decision_date, counted_on),
             ' days before the decision, allowed are ', :max_stock_age_days, '.'),
      concat('No order: no stock was counted up to ', :decision_date, ', and unknown stock is not zero stock.'))
    WHEN 'no_forecast' THEN concat('No order: no forecast says what would be needed; ', position_text, '.')
    WHEN 'below_reorder_point' THEN concat(
      'Order ', number_text(final_quantity), ': ', position_text, ' is at or below ', reorder_point_text,
      '; up to ', number_text(order_up_to_level), ' needs ', number_text(raw_quantity), constraint_text, '.')
    ELSE concat(
      'No order: ', position_text,
      IF(round(inventory_position - reorder_point, 9) > 0,
         concat(' is above ', reorder_point_text),
         concat(' is already at the order-up-to level ', number_text(order_up_to_level))), '.')
  END                                                                        AS explanation
FROM worded
