-- Lead times: one row per item and location that is listed or was ordered: when an order decided now becomes usable
-- stock, as a mean, a spread and a law over whole periods, where that comes from, and how long it lasts until the next
-- one; and, where something is on order, how late orders come against their due dates, and how much of them. Measured
-- where there is evidence, else stated by item_location, else the default.

-- What was seen of the supplier that delivers now. Evidence counts in orders: the lines of one order come on one truck.
-- An order counts once something of it has arrived or is overdue.
WITH with_own AS (
  SELECT
    * EXCEPT (seen),
    exists(seen, each -> each.open > 0)                            AS is_awaiting,
    filter(seen, each -> each.kind IN ('arrived', 'open'))         AS evidence,
    filter(seen, each -> each.kind IN ('arrived', 'open') AND each.delivered_by <=> supplier_id) AS own
  FROM {supply}
),

own AS (
  SELECT
    * EXCEPT (evidence, own),
    IF(is_awaiting, lateness_of(own.days_overdue, own.arrived, own.open), NULL) AS own_lateness,
    law_of_days(own.days_late, own.arrived, own.open, stated_days, offset_days, :period_days) AS own,
    size(array_distinct(transform(
      filter(own, each -> each.arrived > 0 OR each.days_late > 0), each -> each.order_id))) AS own_orders,
    coalesce(array_max(own.weakness), 0)                           AS own_weakness
  FROM with_own
),

pool AS (
  SELECT
    supplier_id,
    size(array_distinct(flatten(collect_list(orders))))            AS pool_orders,
    collect_list(struct(days_late, days_overdue, arrived, open))   AS pool_seen,
    max(weakness)                                                  AS pool_weakness
  FROM (
    SELECT
      each.delivered_by                                            AS supplier_id,
      each.days_late,
      each.days_overdue,
      sum(each.arrived)                                            AS arrived,
      sum(each.open)                                               AS open,
      collect_set(IF(each.arrived > 0 OR each.days_late > 0, each.order_id, NULL)) AS orders,
      max(each.weakness)                                           AS weakness
    FROM (SELECT explode(evidence) AS each FROM with_own)
    WHERE each.delivered_by IS NOT NULL
    GROUP BY each.delivered_by, each.days_late, each.days_overdue
  )
  GROUP BY supplier_id
),

-- How probable it is that each fifth of a line comes, by supplier: full lines are believed until enough are seen.
delivered AS (
  SELECT
    supplier_id                                                    AS delivered_by,
    transform(fifths, came -> IF(
      received_lines >= :min_receipts,
      round((came + :shrinkage_receipts) / (closed_lines + :shrinkage_receipts), 6),
      1D))                                                         AS delivered_fifths
  FROM (
    SELECT
      supplier_id,
      coalesce(sum(closed_lines), 0)                               AS closed_lines,
      coalesce(sum(received_lines), 0)                             AS received_lines,
      transform(array(
        sum(received_fifths[0]), sum(received_fifths[1]), sum(received_fifths[2]), sum(received_fifths[3]),
        sum(received_fifths[4])), fifth -> coalesce(fifth, 0D))    AS fifths
    FROM {supply}
    GROUP BY supplier_id
  )
),

-- What many rows share is worked out once: the supplier's law, or the one that is stated, as if seen once at each of
-- some equally probable deviations.
with_pool AS (
  SELECT
    terms.*,
    IF(coalesce(pool_orders, 0) >= :min_receipts, pool_orders, 0)  AS pool_orders,
    pool_weakness,
    IF(coalesce(pool_orders, 0) >= :min_receipts, pool_seen, transform(
      IF(stated_sd_days > 0, :deviates, array(0D)),
      z -> struct(stated_sd_days * z AS days_late, stated_sd_days * z AS days_overdue, 1D AS arrived, 0D AS open))) AS seen
  FROM (SELECT DISTINCT supplier_id, stated_days, stated_sd_days, offset_days FROM {supply}) AS terms
  LEFT JOIN pool USING (supplier_id)
),

with_shared AS (
  SELECT
    own.*,
    pool_orders,
    pool_weakness,
    shared,
    shared_lateness
  FROM own
  JOIN (
    SELECT
      * EXCEPT (seen),
      law_of_days(seen.days_late, seen.arrived, seen.open, stated_days, offset_days, :period_days) AS shared,
      lateness_of(seen.days_overdue, seen.arrived, seen.open)         AS shared_lateness
    FROM with_pool
  ) AS by_terms
    ON by_terms.supplier_id <=> own.supplier_id
      AND by_terms.stated_days = own.stated_days
      AND by_terms.stated_sd_days = own.stated_sd_days
      AND by_terms.offset_days = own.offset_days
),

-- The item's own law weighs n / (n + k) beside its supplier's (Bühlmann 1967), n being its orders; alone where it has no
-- known supplier, if there are enough.
weighed AS (
  SELECT
    *,
    CASE
      WHEN pool_orders > 0 THEN coalesce(try_divide(own_orders, own_orders + :shrinkage_receipts), 0D)
      WHEN own_orders >= :min_receipts THEN 1D
      ELSE 0D
    END                                                            AS credibility,
    CASE
      WHEN own_orders >= :min_receipts THEN 'item'
      WHEN pool_orders > 0 THEN 'supplier'
      ELSE stated_by
    END                                                            AS lead_time_source
  FROM with_shared
),

mixed AS (
  SELECT
    *,
    -- What is stated stands as it is stated.
    IF(lead_time_source = stated_by, stated_days, credibility * own.days + (1 - credibility) * shared.days)
                                                                   AS lead_time_days,
    credibility * own.squared_days + (1 - credibility) * shared.squared_days AS squared_days,
    -- The law tells 99.5 % of the units apart.
    credible_law(credibility, own.by_period, shared.by_period)     AS lead_time_law,
    -- How late orders come against their due dates: what the open ones are awaited by.
    IF(is_awaiting, filter(concat(
      transform(coalesce(own_lateness, array()), each -> struct(each.days, credibility * each.share AS share)),
      transform(shared_lateness, each -> struct(each.days, (1 - credibility) * each.share AS share))
    ), each -> each.share > 0), NULL)                              AS lateness
  FROM weighed
)

SELECT
  item_id,
  location_id,
  lead_time_days,
  -- Rounded, so that what never varies has no spread left over from the arithmetic.
  IF(lead_time_source = stated_by, stated_sd_days,
     sqrt(greatest(0D, round(squared_days - power(lead_time_days, 2), 9)))) AS lead_time_sd_days,
  lead_time_source,
  CASE lead_time_source WHEN 'item' THEN own_orders WHEN 'supplier' THEN pool_orders ELSE 0 END AS lead_time_receipts,
  ordering_wait_days,
  safety_lead_time_days,
  lead_time_law,
  lateness,
  delivered_fifths,
  stated_days,
  whole_periods(lead_time_days + offset_days, :period_days)        AS lead_time,
  review_period,
  -- From this order to the one that the next review places, which waits for its own ordering day.
  greatest(1, whole_periods(review_period * :period_days + next_wait_days - ordering_wait_days, :period_days))
                                                                   AS order_interval,
  -- What is planned with where nothing is measured, whatever day it is.
  whole_periods(stated_days + safety_lead_time_days, :period_days) AS stated_lead_time,
  CASE lead_time_source
    WHEN 'item' THEN greatest(own_weakness, pool_weakness)
    WHEN 'supplier' THEN pool_weakness
    ELSE 0
  END                                                              AS lead_time_weakness
FROM mixed
JOIN delivered ON delivered_by <=> supplier_id
