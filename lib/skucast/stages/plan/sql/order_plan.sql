-- Order plan: one row per item and location: what to order and why, in words, and what happens without the order. Three
-- stages, three columns: target (what the policy says) → raw_quantity (what is lacking) → final_quantity (what terms and
-- limits leave of it); adjustments tells the way from the second to the third.

WITH on_the_way AS (
  SELECT *, concat(array(0D), stages.quantity) AS quantities FROM {quantities}
),

-- What comes of each quantity, that of no order first: the gain against it in money, the units that the arrival cycle
-- misses on average, the probability that it misses none.
foreseen AS (
  SELECT
    *,
    order_outcomes(quantities, outlook.need, outlook.shortage, shortfall, raw_quantity, shortage_cost, holding_cost,
                   review_period, smallest_lot, fixed_cost, mean_per_period, overage_periods) AS outcomes,
    purchase_costs(quantities, price_breaks, is_incremental)                 AS purchases
  FROM on_the_way
),

-- Less than the first price of the list is money saved.
weighed AS (
  SELECT
    *,
    IF(price_breaks IS NULL, outcomes.gain, transform(outcomes.gain, (gain, i) ->
      gain + get(quantities, i) * get(price_breaks, 0).unit_cost - get(purchases, i))) AS gains
  FROM foreseen
),

explained AS (
  SELECT
    *,
    IF(raw_quantity = 0 AND final_quantity = 0, array(), filter(
      transform(slice(stages, 2, size(stages)), (each, i) -> struct(
        each.reason AS reason,
        get(stages, i).quantity AS quantity_before,
        each.quantity AS quantity_after,
        get(gains, i + 1) - get(gains, i + 2) AS cost)),
      each -> round(each.quantity_after - each.quantity_before, 9) <> 0
    ))                                                                       AS adjustments,
    -- Whole goods have whole numbers: where packs are whole and nothing but whole units was counted.
    coalesce(pack_size = floor(pack_size), false) AND coalesce(on_hand = floor(on_hand), true)
      AND on_order = floor(on_order) AND final_quantity = floor(final_quantity) AS is_whole
  FROM weighed
),

in_numbers AS (
  SELECT
    *,
    -- Of others no trailing zeros; two decimals, four where less than a unit is held.
    CASE
      WHEN is_whole THEN '#,##0'
      WHEN order_up_to_level > 0 AND order_up_to_level < 1 THEN '0.####'
      ELSE '#,##0.##'
    END                                                                      AS digits,
    IF(is_whole, ceil(round(raw_quantity, 6)), raw_quantity)                 AS needed,
    -- What only fills up to whole units needs no word.
    filter(adjustments, each -> NOT (is_whole AND each.reason = 'pack_size'
      AND each.quantity_after = ceil(round(each.quantity_before, 6))))       AS told_adjustments
  FROM explained
),

-- The pieces of the sentence.
pieces AS (
  SELECT
    *,
    coalesce(get(adjustments, size(adjustments) - 1).reason, 'none')         AS binding_constraint,
    IF(inventory_position IS NULL, 'the position is unknown', concat(
      'the position ', format_number(inventory_position, digits),
      ' (on hand ', format_number(on_hand, digits), ', on order ', format_number(on_order, digits),
      IF(overdue > 0, concat(', of which overdue ', format_number(overdue, digits)), ''),
      IF(backorders > 0, concat(', backorders ', format_number(backorders, digits)), ''),
      IF(reserved > 0, concat(', reserved ', format_number(reserved, digits)), ''),
      IF(given_up > 0, concat('; ', format_number(given_up, digits), ' units that are ',
         datediff(:decision_date, given_up_due_date), ' days overdue are no longer expected'), ''), ')'
    ))                                                                       AS position_text,
    concat(
      'the reorder point ', format_number(reorder_point, digits),
      ', which covers demand of ', protection_period, IF(protection_period = 1, ' period', ' periods'),
      ' with probability ', format_number(100 * cycle_service_level, '0.##'), ' %',
      IF(target_kind = 'fill_rate', concat(' for a fill rate of ', format_number(100 * fill_rate, '0.##'), ' %'), '')
    )                                                                        AS reorder_point_text,
    -- What the service aims at: the cycle from the arrival of this order to that of the next.
    concat(
      'serve demand from ', arrival_date, ' to ', cover_until,
      IF(target_kind = 'fill_rate', concat(' at a fill rate of ', format_number(100 * fill_rate, '0.##'), ' %'),
         concat(' with probability ', format_number(100 * cycle_service_level, '0.##'), ' %'))
    )                                                                        AS cycle_text,
    concat(
      ' will leave about ', format_number(greatest(outlook.stock_at_arrival, 0D), digits), ' on ', arrival_date,
      CASE
        WHEN outlook.lost_before < 0.5 OR :unmet_demand = 'backorders' THEN ''
        WHEN format_number(outlook.lost_before, digits) = '1' THEN ', and 1 unit of demand will be missed before then'
        ELSE concat(', and ', format_number(outlook.lost_before, digits), ' units of demand will be missed before then')
      END
    )                                                                        AS projection_text,
    array_join(transform(told_adjustments, each -> concat(
      CASE WHEN each.reason = 'proposed_before' THEN ', left at '
        WHEN each.quantity_after > each.quantity_before THEN ', raised to ' ELSE ', cut to ' END,
      format_number(each.quantity_after, digits), IF(each.reason = 'proposed_before', ' ', ' by '),
      CASE each.reason
        WHEN 'min_order_quantity' THEN concat('the minimum order of ', format_number(min_order_quantity, digits))
        WHEN 'pack_size' THEN concat('packs of ', format_number(pack_size, digits))
        WHEN 'pallet_size' THEN concat('pallets of ', format_number(pallet_size, digits))
        WHEN 'max_cover' THEN concat('the longest cover of ', format_number(max_cover_days, '0.##'), ' days')
        WHEN 'max_order_quantity' THEN concat('the largest order of ', format_number(max_order_quantity, digits))
        WHEN 'price_break' THEN 'the price break there'
        WHEN 'proposed_before' THEN 'as proposed before'
        WHEN 'supplier_minimum' THEN 'the minimum of the supplier'
        WHEN 'budget' THEN 'the budget'
        WHEN 'supplier_budget' THEN 'the budget for the supplier'
        WHEN 'location_budget' THEN 'the budget for the location'
        WHEN 'storage' THEN 'the room of the location'
        WHEN 'container' THEN 'the size of the container'
        WHEN 'max_stock' THEN concat('the largest stock of ', format_number(max_stock, digits))
        ELSE replace(each.reason, '_', ' ')
      END)), '')                                                             AS adjustment_text
  FROM in_numbers
),

worded AS (
  SELECT
    *,
    IF(:unmet_demand = 'backorders',
       concat(' is at or below ', reorder_point_text, '. To reach ',
              format_number(inventory_position + raw_quantity, digits), ', '),
       concat(projection_text, '. To ', cycle_text, ', ')
    )                                                                        AS need_text
  FROM pieces
)

SELECT
  *,
  -- The level that the position is raised to; without an order, the one it is above.
  coalesce(inventory_position + IF(:unmet_demand = 'backorders', NULL, IF(reason = 'below_reorder_point',
    raw_quantity, shortfall)), order_up_to_level)                         AS target,
  :decision_date                                                             AS decision_date,
  :run_id                                                                    AS run_id,
  'proposed'                                                                 AS status,
  coalesce(get(purchases, size(purchases) - 1), final_quantity * unit_cost)  AS value,
  outlook.stock_at_arrival                                                   AS stock_at_arrival,
  outlook.lost_before                                                        AS lost_before_arrival,
  get(gains, size(gains) - 1)                                                AS expected_gain,
  get(outcomes.missed, 0)                                                    AS lost_without_order,
  IF(outlook.stock_out_step > 0, date_add(:decision_date, CAST(outlook.stock_out_step - 1 AS INT) * :period_days), NULL)
                                                                             AS stock_out_date,
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
      IF(final_quantity > 0, concat('Order ', format_number(final_quantity, digits), ': '), 'No order: '),
      position_text, need_text, format_number(needed, digits), IF(needed = 1, ' more is needed', ' more are needed'),
      adjustment_text, '.')
    WHEN 'topped_up' THEN concat(
      'Order ', format_number(final_quantity, digits), ': ', position_text, projection_text, ', enough to ', cycle_text,
      '; ordered with others', adjustment_text, '.')
    ELSE concat(
      'No order: ', position_text,
      CASE
        WHEN :unmet_demand = 'lost_sales' THEN concat(projection_text, ', enough to ', cycle_text)
        WHEN shortfall < 0 THEN concat(' is above ', reorder_point_text)
        ELSE concat(' is already at the order-up-to level ', format_number(order_up_to_level, digits))
      END, '.')
  END                                                                        AS explanation
FROM worded
