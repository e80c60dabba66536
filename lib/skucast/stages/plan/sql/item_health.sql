-- Item health: one row per item and location of the plan: what a year of it sold, held, missed and cost. A window
-- shorter than a year counts as what it is. Everything is a sum, so that any group is the sum of its items.

-- A period says something about stock-outs only where it is known whether stock lasted.
WITH told AS (
  SELECT
    *,
    period_start >= date_sub(:decision_date, 365)                  AS is_recent,
    NOT is_closed AND (is_censored OR in_stock_share IS NOT NULL)  AS is_observed
  FROM {demand}
  WHERE period_start < :decision_date
),

sold AS (
  SELECT
    item_id,
    location_id,
    least(365, datediff(:decision_date, min(period_start)))        AS days,
    sum(sales) FILTER (WHERE is_recent)                            AS units_sold,
    sum(sales) FILTER (WHERE is_recent AND unit_price IS NOT NULL) AS units_priced,
    sum(sales * unit_price) FILTER (WHERE is_recent)               AS revenue,
    count_if(is_recent AND is_observed)                            AS observed_periods,
    count_if(is_recent AND is_observed AND (sales > 0 OR is_censored)) AS observed_wanted_periods,
    sum(sales) FILTER (WHERE is_recent AND is_observed)            AS observed_units_sold,
    count_if(is_recent AND is_censored)                            AS stock_out_periods,
    count_if(is_censored)                                          AS stock_out_periods_ever
  FROM told
  GROUP BY item_id, location_id
  HAVING count_if(is_recent) > 0
),

-- What stock-outs hid is what the recovery of demand estimates, over all of history: the last year has its part of it by
-- its part of the stock-outs.
missed AS (
  SELECT
    item_id,
    location_id,
    IF(stock_out_periods = 0, 0D, lost_demand * stock_out_periods / stock_out_periods_ever) AS units_missed
  FROM sold
  LEFT JOIN (SELECT item_id, location_id, lost_demand FROM {series_status}) USING (item_id, location_id)
  WHERE observed_periods > 0
),

-- Stock over time: what was counted stands until the next count.
standing AS (
  SELECT
    item_id,
    location_id,
    greatest(on_hand, 0D)                                          AS on_hand,
    datediff(
      lead(as_of, 1, :decision_date) OVER (PARTITION BY item_id, location_id ORDER BY as_of), as_of) AS days_standing
  FROM {stock}
  WHERE as_of > date_sub(:decision_date, 365) AND as_of <= :decision_date
),

held AS (
  SELECT
    item_id,
    location_id,
    coalesce(try_divide(sum(on_hand * days_standing), sum(days_standing)), avg(on_hand)) AS average_on_hand
  FROM standing
  GROUP BY item_id, location_id
),

ordered AS (
  SELECT
    item_id,
    location_id,
    count_if(ordered_on >= date_sub(:decision_date, 365))          AS order_lines,
    least(365, datediff(:decision_date, min(ordered_on)))          AS days_ordered
  FROM {open_order}
  WHERE ordered_on < :decision_date
  GROUP BY item_id, location_id
)

SELECT
  item_id,
  location_id,
  abc_class,
  xyz_class,
  coalesce(category, 'none')                                       AS category,
  units_sold * unit_cost * 365 / days                              AS annual_cost_of_sales,
  -- Units whose price is not known were sold at the price of the others.
  units_sold * (try_divide(revenue, units_priced) - unit_cost) * 365 / days AS annual_margin,
  average_on_hand * unit_cost                                      AS average_stock_value,
  on_hand * unit_cost                                              AS stock_value,
  mean_per_period / :period_days * unit_cost                       AS daily_demand_value,
  IF(observed_periods > 0, stock_out_periods, NULL)                AS stock_out_periods,
  nullif(observed_periods, 0)                                      AS observed_periods,
  IF(observed_periods > 0, observed_wanted_periods, NULL)          AS observed_wanted_periods,
  -- Sums of a group go over the same items.
  IF(units_missed IS NULL, NULL, observed_units_sold)              AS observed_units_sold,
  units_missed,
  average_on_hand * holding_cost * 365 / :period_days              AS annual_holding_cost,
  order_lines * fixed_cost * 365 / greatest(days, days_ordered)    AS annual_ordering_cost,
  units_missed * unit_margin * 365 / days                          AS annual_shortage_cost,
  excess * unit_cost                                               AS excess_value
FROM {order_plan}
LEFT JOIN sold USING (item_id, location_id)
LEFT JOIN missed USING (item_id, location_id)
LEFT JOIN held USING (item_id, location_id)
LEFT JOIN ordered USING (item_id, location_id)
