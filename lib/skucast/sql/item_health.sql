-- Item health: one row per item and location of the plan: what a year of it sold, held, missed and cost. A window
-- shorter than a year counts as what it is. Everything is a sum, so that any group is the sum of its items.

WITH sold AS (
  SELECT
    item_id,
    location_id,
    least(365, datediff(:decision_date, min(period_start)))        AS days,
    sum(sales)                                                     AS units_sold,
    sum(sales * unit_price)                                        AS revenue,
    count_if(NOT is_closed)                                        AS open_periods,
    count_if(NOT is_closed AND (sales > 0 OR is_censored))         AS wanted_periods,
    IF(count(in_stock_share) > 0, count_if(is_censored), NULL)     AS stock_out_periods,
    avg(demand)                                                    AS usual_demand
  FROM {demand}
  WHERE period_start >= date_sub(:decision_date, 365) AND period_start < :decision_date
  GROUP BY item_id, location_id
),

-- What a stock-out hid: at least nothing, else what is missing to the usual demand of periods without one.
missed AS (
  SELECT item_id, location_id, sum(greatest(usual_demand - sales, 0D)) AS units_missed
  FROM {demand}
  JOIN sold USING (item_id, location_id)
  WHERE is_censored AND period_start >= date_sub(:decision_date, 365) AND period_start < :decision_date
  GROUP BY item_id, location_id
),

held AS (
  SELECT item_id, location_id, avg(greatest(on_hand, 0D)) AS average_on_hand
  FROM {stock}
  WHERE as_of > date_sub(:decision_date, 365) AND as_of <= :decision_date
  GROUP BY item_id, location_id
),

ordered AS (
  SELECT item_id, location_id, count(*) AS order_lines
  FROM {open_order}
  WHERE ordered_on >= date_sub(:decision_date, 365) AND ordered_on < :decision_date
  GROUP BY item_id, location_id
)

SELECT
  item_id,
  location_id,
  abc_class,
  xyz_class,
  coalesce(category, 'none')                                       AS category,
  units_sold * unit_cost * 365 / days                              AS annual_cost_of_sales,
  (revenue - units_sold * unit_cost) * 365 / days                  AS annual_margin,
  average_on_hand * unit_cost                                      AS average_stock_value,
  on_hand * unit_cost                                              AS stock_value,
  mean_per_period / :period_days * unit_cost                       AS daily_demand_value,
  stock_out_periods,
  IF(stock_out_periods IS NULL, NULL, open_periods)                AS observed_periods,
  IF(stock_out_periods IS NULL, NULL, wanted_periods)              AS observed_wanted_periods,
  IF(stock_out_periods IS NULL, NULL, units_sold)                  AS observed_units_sold,
  IF(stock_out_periods IS NULL, NULL, coalesce(units_missed, 0D))  AS units_missed,
  average_on_hand * holding_cost * 365 / :period_days              AS annual_holding_cost,
  order_lines * fixed_cost * 365 / days                            AS annual_ordering_cost,
  IF(stock_out_periods IS NULL, NULL, coalesce(units_missed, 0D)) * unit_margin * 365 / days AS annual_shortage_cost,
  excess * unit_cost                                               AS excess_value
FROM {order_plan}
LEFT JOIN sold USING (item_id, location_id)
LEFT JOIN missed USING (item_id, location_id)
LEFT JOIN held USING (item_id, location_id)
LEFT JOIN ordered USING (item_id, location_id)
