-- Terms: one row per item and location that is listed, forecast or counted: the terms in force on the decision date,
-- durations in periods, the dates that follow from them, and beside them the class and the stock.

-- A row of a master table holds from its valid_from on until a newer one replaces it; later ones are not known yet.
WITH listing_in_force AS (
  SELECT item_id, location_id, max_by(struct(*), valid_from) AS listing
  FROM {item_location}
  WHERE valid_from <= :decision_date
  GROUP BY item_id, location_id
),

item_in_force AS (
  SELECT item_id, max_by(struct(*), valid_from) AS item
  FROM {item}
  WHERE valid_from <= :decision_date
  GROUP BY item_id
),

timed AS (
  SELECT
    item_id,
    location_id,
    struct(
      lead_time_days,
      lead_time_sd_days,
      lead_time_source,
      lead_time_receipts,
      ordering_wait_days,
      safety_lead_time_days,
      lead_time_law,
      lead_time,
      review_period,
      order_interval,
      lead_time_weakness
    )                                                              AS own_timing
  FROM {lead_times}
),

-- Order lines that were not measured make the forecast, and so the plan, as weak as they are.
weak_sales AS (
  SELECT item_id, location_id, max(weakness(provenance)) AS sales_weakness
  FROM {sales_line}
  WHERE provenance IN ('simulated', 'default') AND ordered_at < :decision_date
  GROUP BY item_id, location_id
),

-- What the listing leaves open is filled from the defaults; used_default says that it happened.
filled AS (
  SELECT
    *,
    coalesce(own_timing, struct(
      CAST(:lead_time_days AS DOUBLE)                              AS lead_time_days,
      CAST(coalesce(:lead_time_sd_days, 0D) AS DOUBLE)             AS lead_time_sd_days,
      'default'                                                    AS lead_time_source,
      0L                                                           AS lead_time_receipts,
      0                                                            AS ordering_wait_days,
      CAST(coalesce(:safety_lead_time_days, 0D) AS DOUBLE)         AS safety_lead_time_days,
      :default_law                                                 AS lead_time_law,
      whole_periods(:lead_time_days + coalesce(:safety_lead_time_days, 0D), :period_days) AS lead_time,
      greatest(1, whole_periods(:review_period_days, :period_days)) AS review_period,
      greatest(1, whole_periods(:review_period_days, :period_days)) AS order_interval,
      0                                                            AS lead_time_weakness
    ))                                                             AS timing,
    coalesce(listing.min_order_quantity, :min_order_quantity, 0D)  AS min_order_quantity,
    coalesce(listing.pack_size, :pack_size)                        AS pack_size,
    coalesce(listing.rounding, :rounding)                          AS rounding,
    coalesce(listing.max_cover_days, :max_cover_days)              AS max_cover_days,
    coalesce(
      listing.replenishment_policy,
      try_element_at(:policies, concat(abc_class, xyz_class)),
      try_element_at(:policies, abc_class),
      try_element_at(:policies, xyz_class),
      try_element_at(:policies, 'default')
    )                                                              AS replenishment_policy,
    coalesce(listing.fixed_cost, :fixed_cost)                      AS fixed_cost,
    -- Keeping a unit for a period costs h: given as money, or as a yearly share of what the unit cost.
    coalesce(
      listing.holding_cost,
      coalesce(listing.holding_rate_per_year, :holding_rate_per_year) * item.unit_cost * :period_days / 365
    )                                                              AS holding_cost,
    (coalesce(own_timing.lead_time_source, 'default') = 'default')
      OR (listing.review_period_days IS NULL)
      OR (own_timing.lead_time_source = 'row' AND listing.lead_time_sd_days IS NULL AND :lead_time_sd_days IS NOT NULL)
      OR (listing.min_order_quantity IS NULL AND :min_order_quantity IS NOT NULL)
      OR (listing.pack_size IS NULL AND :pack_size IS NOT NULL)
      OR (listing.fixed_cost IS NULL AND :fixed_cost IS NOT NULL)
      OR (listing.holding_cost IS NULL AND listing.holding_rate_per_year IS NULL
          AND :holding_rate_per_year * item.unit_cost IS NOT NULL) AS used_default
  FROM listing_in_force
  FULL JOIN {forecast_steps} USING (item_id, location_id)
  FULL JOIN {stock_on_hand} USING (item_id, location_id)
  LEFT JOIN timed USING (item_id, location_id)
  LEFT JOIN {classes} USING (item_id, location_id)
  LEFT JOIN weak_sales USING (item_id, location_id)
  LEFT JOIN item_in_force USING (item_id)
),

-- Reviews fall on the anchor + k·R periods: today, or the rest of the way to the next one. On a review, the order lasts
-- until the next one can be placed.
in_periods AS (
  SELECT
    *,
    -- A policy that looks at the stock in every period reviews it in every period.
    CASE
      WHEN replenishment_policy NOT IN ('R_S', 'R_s_S') THEN 1
      WHEN next_review > :decision_date THEN timing.review_period
      ELSE timing.order_interval
    END                                                            AS review_period
  FROM (
    SELECT
      *,
      IF(replenishment_policy IN ('R_S', 'R_s_S'),
         date_add(
           :decision_date,
           pmod(-CAST(datediff(:decision_date, :first_review) DIV :period_days AS INT), timing.review_period)
             * :period_days),
         :decision_date)                                           AS next_review
    FROM filled
  )
)

SELECT
  item_id,
  location_id,
  listing.supplier_id,
  timing.* EXCEPT (review_period, order_interval, lead_time_weakness),
  review_period,
  timing.lead_time + review_period                                 AS protection_period,
  -- The clock. An order decided now is on hand at the start of period L from now; the next one, decided R later,
  -- arrives R later. So this one must last R + L periods: cover_until is the first day that it need not cover.
  date_add(:decision_date, timing.lead_time * :period_days)        AS arrival_date,
  date_add(:decision_date, (timing.lead_time + review_period) * :period_days) AS cover_until,
  next_review,
  min_order_quantity,
  listing.max_order_quantity,
  pack_size,
  listing.pallet_size,
  rounding,
  listing.max_stock,
  max_cover_days,
  replenishment_policy,
  -- What the row itself asks for, if anything.
  CASE
    WHEN listing.cycle_service_level IS NOT NULL
      THEN struct('cycle_service_level' AS kind, listing.cycle_service_level AS value, 'row' AS source)
    WHEN listing.fill_rate IS NOT NULL THEN struct('fill_rate' AS kind, listing.fill_rate AS value, 'row' AS source)
    WHEN listing.stockout_cost IS NOT NULL THEN struct('cost' AS kind, listing.stockout_cost AS value, 'row' AS source)
  END                                                              AS row_target,
  holding_cost,
  fixed_cost,
  item.unit_cost,
  item.category,
  item.unit_volume,
  coalesce(item.unit_price, average_price)                         AS unit_price,
  coalesce(listing.do_not_order, false)                            AS do_not_order,
  listing.active_from,
  listing.active_to,
  coalesce(abc_class, 'N')                                         AS abc_class,
  coalesce(xyz_class, 'N')                                         AS xyz_class,
  counted_on,
  counted,
  stock_as_of,
  on_hand,
  backorders,
  reserved,
  coalesce(mean_per_period, 0D)                                    AS mean_per_period,
  levels,
  forecast_steps,
  greatest(
    weakness(listing.provenance), weakness(item.provenance), coalesce(stock_weakness, 0), coalesce(sales_weakness, 0),
    timing.lead_time_weakness, IF(used_default, weakness('default'), 0)
  )                                                                AS terms_weakness
FROM in_periods
