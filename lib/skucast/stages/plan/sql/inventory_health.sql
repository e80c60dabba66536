-- Inventory health: the sums of item health by item, class, category, location and over all, and their ratios. A ratio of
-- a group is sum over sum, never a mean of ratios.

WITH summed AS (
  SELECT
    CASE
      WHEN grouping(item_id) = 0 THEN 'item'
      WHEN grouping(abc_class) = 0 THEN 'class'
      WHEN grouping(category) = 0 THEN 'category'
      WHEN grouping(location_id) = 0 THEN 'location'
      ELSE 'all'
    END                                                            AS grouping,
    CASE
      WHEN grouping(item_id) = 0 THEN concat(item_id, ' at ', location_id)
      WHEN grouping(abc_class) = 0 THEN concat(abc_class, xyz_class)
      WHEN grouping(category) = 0 THEN category
      WHEN grouping(location_id) = 0 THEN location_id
      ELSE 'all'
    END                                                            AS group_id,
    count(*)                                                       AS n_items,
    sum(annual_cost_of_sales)                                      AS annual_cost_of_sales,
    sum(annual_margin)                                             AS annual_margin,
    sum(average_stock_value)                                       AS average_stock_value,
    sum(stock_value)                                               AS stock_value,
    sum(daily_demand_value)                                        AS daily_demand_value,
    sum(stock_out_periods)                                         AS stock_out_periods,
    sum(observed_periods)                                          AS observed_periods,
    sum(observed_wanted_periods)                                   AS observed_wanted_periods,
    sum(observed_units_sold)                                       AS units_sold,
    sum(units_missed)                                              AS units_missed,
    sum(annual_holding_cost)                                       AS annual_holding_cost,
    sum(annual_ordering_cost)                                      AS annual_ordering_cost,
    sum(annual_shortage_cost)                                      AS annual_shortage_cost,
    sum(excess_value)                                              AS excess_value
  FROM {item_health}
  GROUP BY GROUPING SETS ((item_id, location_id), (abc_class, xyz_class), (category), (location_id), ())
)

SELECT
  grouping,
  group_id,
  :decision_date                                                   AS decision_date,
  :run_id                                                          AS run_id,
  n_items,
  annual_cost_of_sales,
  average_stock_value,
  stock_value,
  try_divide(annual_cost_of_sales, average_stock_value)            AS turnover,
  IF(stock_value <= 3650 * daily_demand_value, try_divide(stock_value, daily_demand_value), NULL) AS days_of_cover,
  try_divide(annual_margin, average_stock_value)                   AS gmroi,
  try_divide(stock_out_periods, observed_periods)                  AS stock_out_share,
  try_divide(stock_out_periods, observed_wanted_periods)           AS stock_out_share_wanted,
  try_divide(units_sold, units_sold + units_missed)                AS fill_rate,
  annual_holding_cost,
  annual_ordering_cost,
  annual_shortage_cost,
  excess_value
FROM summed
