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
    quantity_by_policy(shortfall, replenishment_policy, lot, smallest_lot) AS quantity_wanted,
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

needed AS (
  SELECT *, IF(reason = 'below_reorder_point', quantity_wanted, 0D) AS raw_quantity FROM reasoned
),

-- The least that the supplier takes, and the most that the terms allow. A limit on cover keeps surplus out, not the
-- item: it never forbids the smallest order. A full shelf does.
bounded AS (
  SELECT
    *,
    orderable_quantity(raw_quantity, min_order_quantity, pack_size) AS orderable_up,
    greatest(
      rounded_down(greatest(raw_quantity, min_order_quantity), pack_size, greatest(min_order_quantity, pack_size, 0D)),
      0D)                                                          AS orderable_down,
    rounded_up(greatest(min_order_quantity, coalesce(pack_size, 0D)), pack_size) AS smallest_order,
    least(
      coalesce(max_order_quantity, double('Infinity')),
      IF(max_stock IS NULL, double('Infinity'),
         greatest(max_stock - coalesce(outlook.stock_at_arrival, inventory_position), 0D))
    )                                                              AS room,
    coalesce(max_cover_days * mean_per_period / :period_days, double('Infinity')) AS cover
  FROM needed
),

packed AS (
  SELECT
    *,
    CASE
      WHEN raw_quantity = 0 THEN 0D
      WHEN rounding = 'down' OR (rounding = 'nearest' AND raw_quantity - orderable_down < orderable_up - raw_quantity)
        THEN orderable_down
      ELSE orderable_up
    END                                                            AS packed_quantity
  FROM bounded
),

palletised AS (
  SELECT
    *,
    CASE
      WHEN pallet_size IS NULL OR packed_quantity < pallet_size THEN packed_quantity
      WHEN rounding = 'up'
        OR (rounding = 'nearest' AND pmod(packed_quantity, pallet_size) * 2 >= pallet_size)
        THEN rounded_up(packed_quantity, pallet_size)
      ELSE rounded_down(packed_quantity, pallet_size, pallet_size)
    END                                                            AS palletised_quantity
  FROM packed
),

covering AS (
  SELECT
    *,
    IF(palletised_quantity > cover,
       greatest(rounded_down(cover, pack_size, 0D), least(smallest_order, palletised_quantity)),
       palletised_quantity)                                        AS covering_quantity
  FROM palletised
),

-- Where the price falls with the quantity: the order, or a start of a cheaper bracket beyond it that terms allow.
offered AS (
  SELECT
    *,
    IF(price_breaks IS NULL OR covering_quantity = 0 OR mean_per_period = 0, NULL, concat(
      array(covering_quantity),
      filter(
        transform(price_breaks, each -> coalesce(
          ceil(round(each.min_quantity / pack_size, 9)) * pack_size, each.min_quantity)),
        q -> q > covering_quantity AND q <= least(cover, room)))) AS offers
  FROM covering
),

bought AS (
  SELECT *, purchase_costs(offers, price_breaks, is_incremental) AS offer_costs FROM offered
),

-- Taken is what costs least per period, if every lot were like it: purchase, ordering and keeping half of it.
bargained AS (
  SELECT
    *,
    coalesce(
      array_min(transform(offers, (q, i) -> struct(
        (get(offer_costs, i) + coalesce(fixed_cost, 0D)) * mean_per_period / q + coalesce(holding_cost, 0D) * q / 2 AS cost,
        q AS quantity))).quantity,
      covering_quantity)                                           AS bargain_quantity
  FROM bought
),

fitted AS (
  SELECT
    *,
    CASE
      WHEN bargain_quantity <= room THEN bargain_quantity
      WHEN room < smallest_order THEN 0D
      ELSE rounded_down(room, pack_size, 0D)
    END                                                            AS fitted_quantity
  FROM bargained
)

SELECT
  * EXCEPT (offers, offer_costs),
  fitted_quantity                                                  AS final_quantity,
  -- The way from one quantity to the next.
  array(
    struct('raw_quantity' AS reason, raw_quantity AS quantity),
    struct('min_order_quantity' AS reason,
           IF(raw_quantity > 0, greatest(raw_quantity, min_order_quantity), 0D) AS quantity),
    struct('pack_size' AS reason, packed_quantity AS quantity),
    struct('pallet_size' AS reason, palletised_quantity AS quantity),
    struct('max_cover' AS reason, covering_quantity AS quantity),
    struct('price_break' AS reason, bargain_quantity AS quantity),
    struct(IF(room = max_order_quantity, 'max_order_quantity', 'max_stock') AS reason, fitted_quantity AS quantity)
  )                                                                AS stages
FROM fitted
