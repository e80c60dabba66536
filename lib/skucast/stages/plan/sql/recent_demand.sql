-- Recent demand: one row per item and location that ever sold or was ever counted: what the newest period brought and
-- was expected to bring, how long nothing was sold, and since when its stock stands.

WITH last_year AS (
  SELECT item_id, location_id, period_start, sales, demand, exceptional, exceptional_reason
  FROM {demand}
  WHERE period_start >= date_sub(:decision_date, 365) AND period_start < :decision_date
),

-- However long ago: what is dead has often been dead for long.
sold AS (
  SELECT
    item_id,
    location_id,
    max(period_start) FILTER (WHERE sales > 0)                     AS last_sale,
    max_by(unit_price, period_start) FILTER (WHERE unit_price IS NOT NULL) AS last_price
  FROM {demand}
  WHERE period_start < :decision_date
  GROUP BY item_id, location_id
),

-- The shelf was empty at the newest count of nothing: what stands there now came later.
counted_stock AS (
  SELECT
    item_id,
    location_id,
    min(as_of) FILTER (WHERE on_hand > 0)                          AS first_seen,
    max(as_of) FILTER (WHERE on_hand <= 0)                         AS last_empty
  FROM {stock}
  WHERE as_of <= :decision_date
  GROUP BY item_id, location_id
),

newest AS (
  SELECT
    item_id,
    location_id,
    -- Null where the period is closed or its demand was cut by a stock-out.
    max(struct(period_start, demand)).demand                       AS newest_demand,
    -- The newest exceptional demand of the last four weeks.
    max(struct(period_start, sales, exceptional, exceptional_reason AS reason))
      FILTER (WHERE exceptional_reason IS NOT NULL AND period_start >= date_sub(:decision_date, 28)) AS exception
  FROM last_year
  GROUP BY item_id, location_id
),

-- Periods without demand, up to the last sale and since: only those that could have sold.
counted AS (
  SELECT
    item_id,
    location_id,
    count_if(period_start <= last_sale)                            AS periods_before,
    count_if(period_start <= last_sale AND demand = 0)             AS empty_before,
    sum(demand) FILTER (WHERE period_start <= last_sale)           AS demand_before,
    count_if(period_start > last_sale AND demand = 0)              AS empty_since
  FROM last_year
  JOIN sold USING (item_id, location_id)
  WHERE demand IS NOT NULL
  GROUP BY item_id, location_id
),

-- The newest forecast that was made before the newest period, for it.
expected AS (
  SELECT
    item_id,
    location_id,
    max_by(struct(mean, quantile_levels AS levels, quantiles), cutoff) AS expected
  FROM {forecast_before}
  GROUP BY item_id, location_id
)

SELECT *
FROM sold
FULL JOIN counted_stock USING (item_id, location_id)
LEFT JOIN newest USING (item_id, location_id)
LEFT JOIN counted USING (item_id, location_id)
LEFT JOIN expected USING (item_id, location_id)
