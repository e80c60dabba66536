-- Classes: one row per item and location with demand rows in the last 365 days. ABC by the value that was sold, over all
-- locations together; XYZ by how much demand varies from period to period.

WITH last_year AS (
  SELECT
    item_id,
    location_id,
    sum(sales)                                                     AS annual_sales,
    -- Average price: revenue over units, where a price is known.
    try_divide(sum(sales * unit_price), sum(sales) FILTER (WHERE unit_price IS NOT NULL)) AS average_price,
    -- Periods whose demand is unknown (stock ran out, shop closed) tell nothing about how it varies.
    try_divide(stddev_pop(demand), avg(demand))                    AS variation
  FROM {demand}
  WHERE period_start >= date_sub(:decision_date, 365) AND period_start < :decision_date
  GROUP BY item_id, location_id
),

item_cost AS (
  SELECT item_id, max_by(unit_cost, valid_from) AS unit_cost
  FROM {item}
  WHERE valid_from <= :decision_date
  GROUP BY item_id
),

-- What is sold is worth what was paid for it, for all items alike. One without a price is taken to cost its buyers as
-- much above its cost as the others do; where none has a price, all are valued at cost.
markup AS (
  SELECT coalesce(try_divide(sum(annual_sales * average_price), sum(annual_sales * unit_cost)), 1D) AS price_over_cost
  FROM last_year
  JOIN item_cost USING (item_id)
  WHERE average_price IS NOT NULL AND unit_cost IS NOT NULL
),

valued AS (
  SELECT
    item_id,
    location_id,
    variation,
    average_price,
    nullif(annual_sales * coalesce(average_price, unit_cost * price_over_cost), 0D) AS annual_value
  FROM last_year
  LEFT JOIN item_cost USING (item_id)
  CROSS JOIN markup
),

-- Bands of value, each twice the one below, rank among each other first: so no single task has to sort all items.
banded AS (
  SELECT *, floor(log2(annual_value)) AS value_band FROM valued
),

-- One row: what each band is worth.
bands AS (
  SELECT sort_array(collect_list(struct(value_band, band_value))) AS bands
  FROM (
    SELECT value_band, sum(annual_value) AS band_value
    FROM banded
    WHERE annual_value IS NOT NULL
    GROUP BY value_band
  )
),

ranked AS (
  SELECT
    *,
    aggregate(bands, 0D, (sum, band) -> sum + IF(band.value_band > banded.value_band, band.band_value, 0D))
      + sum(annual_value) OVER (
          PARTITION BY value_band ORDER BY annual_value DESC, item_id, location_id ROWS UNBOUNDED PRECEDING
        )
      - annual_value                                               AS value_before,
    aggregate(bands, 0D, (sum, band) -> sum + band.band_value)     AS total_value
  FROM banded
  CROSS JOIN bands
)

SELECT
  item_id,
  location_id,
  abc_class_of(value_before / nullif(total_value, 0D))             AS abc_class,
  xyz_class_of(variation)                                          AS xyz_class,
  average_price
FROM ranked
