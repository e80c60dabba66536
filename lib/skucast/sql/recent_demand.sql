-- Recent demand: one row per item and location that sold in the last year: what the newest period brought and was
-- expected to bring, and how long nothing was sold.

WITH last_year AS (
  SELECT item_id, location_id, period_start, sales, demand, exceptional, exceptional_reason
  FROM {demand}
  WHERE period_start >= date_sub(:decision_date, 365) AND period_start < :decision_date
),

summed AS (
  SELECT
    item_id,
    location_id,
    max(period_start) FILTER (WHERE sales > 0)                     AS last_sale,
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
  JOIN summed USING (item_id, location_id)
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
FROM summed
LEFT JOIN counted USING (item_id, location_id)
LEFT JOIN expected USING (item_id, location_id)
