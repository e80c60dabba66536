-- Alerts: the rows of the order plan, each with a list of what needs attention, and its status: the first of them in the
-- order of the list. Everything is read off the projection of stock, not off levels; money is what makes one alert
-- matter more than another. Items without demand ahead run out of nothing.

WITH known AS (
  SELECT
    *,
    -- What a unit that cannot be sold costs: its margin, else what the policy puts on it.
    IF(unit_price >= unit_cost, unit_price - unit_cost, shortage_cost)       AS unit_margin,
    mean_per_period > 0 AND reason NOT IN ('do_not_order', 'inactive')       AS is_wanted,
    greatest(inventory_position - order_up_to_level - mean_per_period * :overstock_cover_days / :period_days, 0D)
                                                                             AS excess,
    datediff(:decision_date, get(deliveries, 0).due_date)                    AS days_late,
    -- How probable so many empty periods in a row are, where the share of empty periods is what it was before, one
    -- empty and one other added to the count (Laplace's rule).
    power((empty_before + 1D) / (periods_before + 2D), empty_since)          AS probability_of_silence,
    IF(newest_demand > get(expected.quantiles, size(expected.quantiles) - 1)
         OR newest_demand < get(expected.quantiles, 0), newest_demand, NULL) AS unusual_demand
  FROM {order_plan}
  LEFT JOIN {recent_demand} USING (item_id, location_id)
),

served AS (
  SELECT
    *,
    -- Of the quantities that were weighed the first is none, the second what is wanted, the last what is ordered.
    get(outcomes.missed, size(quantities) - 1) - get(outcomes.missed, 1)     AS missed_by_limits,
    get(outcomes.served, size(quantities) - 1)                               AS cycle_service_level_reached,
    1 - get(outcomes.served, 0)                                              AS stock_out_in_cycle,
    coalesce(get(outlook.ran_out, lead_time - 1), 0D)                        AS stock_out_before_arrival,
    empty_since > 0 AND demand_before > 0 AND on_hand > 0 AND probability_of_silence < :phantom_probability
                                                                             AS is_phantom,
    on_hand > 0 AND datediff(:decision_date, last_sale) > :dead_after_days   AS is_dead
  FROM known
),

found AS (
  SELECT
    *,
    concat(
      IF(is_wanted AND reason = 'stock_unknown', array(struct(
        'stock_unknown' AS kind, CAST(NULL AS DOUBLE) AS probability, demand_mean AS units,
        demand_mean * unit_margin AS money, CAST(NULL AS DATE) AS remedy_date,
        concat('Stock is not known, and nothing is ordered: ', format_number(demand_mean, '0.##'),
               ' units are expected to be wanted until ', cover_until, '.') AS explanation)), array()),
      IF(counted < 0, array(struct(
        'negative_stock' AS kind, CAST(NULL AS DOUBLE) AS probability, -counted AS units, -counted * unit_cost AS money,
        CAST(NULL AS DATE) AS remedy_date,
        concat('The book says ', format_number(counted, '0.##'), ' on ', counted_on, ', taken as 0: count the stock.')
          AS explanation)), array()),
      IF(is_wanted AND stock_out_before_arrival >= :alert_probability, array(struct(
        'stock_out' AS kind, stock_out_before_arrival AS probability, outlook.lost_before AS units,
        outlook.lost_before * unit_margin AS money, arrival_date AS remedy_date,
        concat('Stock runs out before ', arrival_date, ', when an order of today arrives, with probability ',
               format_number(100 * stock_out_before_arrival, '0'), ' %: ',
               format_number(outlook.lost_before, '0.##'), ' units.') AS explanation)), array()),
      IF(is_wanted AND final_quantity < raw_quantity
         AND cycle_service_level_reached < cycle_service_level - :service_tolerance, array(struct(
        'service_below_promise' AS kind, 1 - cycle_service_level_reached AS probability,
        missed_by_limits AS units, missed_by_limits * unit_margin AS money, arrival_date AS remedy_date,
        concat('The order serves its cycle with probability ', format_number(100 * cycle_service_level_reached, '0'),
               ' % instead of ', format_number(100 * cycle_service_level, '0.##'), ' %, because of the ',
               replace(binding_constraint, '_', ' '), '.') AS explanation)), array()),
      IF(is_wanted AND stock_out_before_arrival < :alert_probability AND outlook.stock_at_arrival < safety_stock, array(struct(
        'below_safety' AS kind, stock_out_in_cycle AS probability, lost_without_order AS units,
        lost_without_order * unit_margin AS money, arrival_date AS remedy_date,
        concat('About ', format_number(greatest(outlook.stock_at_arrival, 0D), '0.##'), ' will be left on ',
               arrival_date, ', less than the safety stock of ', format_number(safety_stock, '0.##'),
               IF(final_quantity > 0, concat(': approve the order of ', format_number(final_quantity, '0.##')), ''), '.')
          AS explanation)), array()),
      IF(is_wanted AND is_phantom AND NOT is_dead, array(struct(
        'phantom_stock' AS kind, 1 - probability_of_silence AS probability,
        demand_before / periods_before * empty_since AS units,
        demand_before / periods_before * empty_since * unit_margin AS money, :decision_date AS remedy_date,
        concat('The book says ', format_number(on_hand, '0.##'), ' on hand, but nothing was sold for ', empty_since,
               ' periods; by chance that happens in ', format_number(100 * probability_of_silence, '0.##'),
               ' % of cases: look at the shelf.') AS explanation)), array()),
      IF(is_wanted AND overdue > 0, array(struct(
        'late_supplier' AS kind, CAST(NULL AS DOUBLE) AS probability, overdue AS units,
        least(overdue, demand_mean) * unit_margin AS money, :decision_date AS remedy_date,
        concat(format_number(overdue, '0.##'), ' units are up to ', days_late, ' days overdue', 
               coalesce(concat(' from ', supplier_id), ''), '.') AS explanation)), array()),
      IF(is_dead, array(struct(
        'dead_stock' AS kind, CAST(NULL AS DOUBLE) AS probability, on_hand AS units, on_hand * unit_cost AS money,
        CAST(NULL AS DATE) AS remedy_date,
        concat(format_number(on_hand, '0.##'), ' on hand, and nothing sold since ', last_sale, '.') AS explanation)), array()),
      IF(mean_per_period > 0 AND excess > 0 AND NOT coalesce(is_dead, false), array(struct(
        'overstock' AS kind, CAST(NULL AS DOUBLE) AS probability, excess AS units,
        -- Kept until it is sold, at most what it is worth.
        least(excess * unit_cost, holding_cost * excess * excess / (2 * mean_per_period)) AS money,
        date_add(:decision_date, CAST(least(excess / mean_per_period * :period_days, 36500D) AS INT)) AS remedy_date,
        concat(format_number(excess, '0.##'), ' more than the order-up-to level and ',
               format_number(:overstock_cover_days, '0'), ' days of demand.') AS explanation)), array()),
      IF(exception IS NOT NULL, array(struct(
        'demand_anomaly' AS kind, CAST(NULL AS DOUBLE) AS probability, exception.exceptional AS units,
        exception.exceptional * unit_margin AS money, :decision_date AS remedy_date,
        concat(IF(exception.reason = 'one_customer', 'Orders of one customer', 'A bulk order'), ' made the period of ',
               exception.period_start, ', in which ', format_number(exception.sales, '0.##'), ' were sold: ',
               format_number(exception.exceptional, '0.##'), ' of them are left out of what is planned for.')
          AS explanation)), array()),
      IF(unusual_demand IS NOT NULL AND exception IS NULL, array(struct(
        'demand_anomaly' AS kind,
        2 * least(get(expected.levels, 0), 1 - get(expected.levels, size(expected.levels) - 1)) AS probability,
        abs(unusual_demand - expected.mean) AS units, abs(unusual_demand - expected.mean) * unit_margin AS money,
        :decision_date AS remedy_date,
        concat('Demand of the last period was ', format_number(unusual_demand, '0.##'), ', expected were ',
               format_number(get(expected.quantiles, 0), '0.##'), ' to ',
               format_number(get(expected.quantiles, size(expected.quantiles) - 1), '0.##'), '.') AS explanation)), array())
    )                                                                        AS alerts
  FROM served
)

SELECT
  * EXCEPT (outlook, outcomes, expected, exception, quantities, gains, stages),
  coalesce(get(alerts, 0).kind, 'ok')                                        AS stock_status
FROM found
