-- Quantities: one row per item and location: from what is lacking to what is ordered. raw_quantity is what the policy
-- wants, final_quantity what the item's own terms leave of it; limits that items share come later.

-- The newest price list in force replaces the one before it as a whole.
WITH price_list AS (
  SELECT
    item_id,
    sort_array(collect_list(struct(min_quantity, unit_cost)))      AS price_breaks,
    bool_or(coalesce(scheme, 'all_units') = 'incremental')         AS is_incremental
  FROM (
    SELECT *, max(valid_from) OVER (PARTITION BY item_id) AS newest FROM {price_break} WHERE valid_from <= :decision_date
  )
  WHERE valid_from = newest
  GROUP BY item_id
),

-- With lost sales, what the arrival cycle needs beyond what will be there; with backorders, what the position lacks.
lacking AS (
  SELECT
    *,
    IF(:unmet_demand = 'backorders', round(reorder_point - inventory_position, 9), outlook.lacking) AS shortfall
  FROM {ahead}
  LEFT JOIN price_list USING (item_id)
),

-- The first obstacle names the reason. Unknown stock is never zero stock: it stops the order.
reasoned AS (
  SELECT
    *,
    CASE
      WHEN do_not_order THEN 'do_not_order'
      WHEN :decision_date < active_from OR :decision_date > active_to THEN 'inactive'
      WHEN next_review > :decision_date THEN 'no_review'
      WHEN inventory_position IS NULL THEN 'stock_unknown'
      WHEN NOT has_forecast THEN 'no_forecast'
      WHEN shortfall > 0 OR (shortfall = 0 AND :unmet_demand = 'backorders' AND lot > smallest_lot)
        THEN 'below_reorder_point'
      ELSE 'covered'
    END                                                            AS reason
  FROM lacking
),

-- The arithmetic of lots, minima, packs, limits and prices is that of the replay: inventory/ordering/order_quantity.py.
arranged AS (
  SELECT
    *,
    order_quantities(
      reason = 'below_reorder_point', shortfall, replenishment_policy, rounding, lot, smallest_lot, min_order_quantity,
      pack_size, pallet_size, max_order_quantity, max_stock, max_cover_days * mean_per_period / :period_days,
      coalesce(outlook.stock_at_arrival, inventory_position), price_breaks, is_incremental, fixed_cost, holding_cost,
      mean_per_period)                                             AS way
  FROM reasoned
)

SELECT
  * EXCEPT (way),
  way.raw                                                          AS raw_quantity,
  way.smallest                                                     AS smallest_order,
  way.room                                                         AS room,
  way.final                                                        AS final_quantity,
  -- The way from one quantity to the next.
  array(
    struct('raw_quantity' AS reason, way.raw AS quantity),
    struct('min_order_quantity' AS reason, way.with_minimum AS quantity),
    struct('pack_size' AS reason, way.packed AS quantity),
    struct('pallet_size' AS reason, way.palletised AS quantity),
    struct('max_cover' AS reason, way.covering AS quantity),
    struct('price_break' AS reason, way.bargained AS quantity),
    struct(IF(way.room = max_order_quantity, 'max_order_quantity', 'max_stock') AS reason, way.final AS quantity)
  )                                                                AS stages
FROM arranged
