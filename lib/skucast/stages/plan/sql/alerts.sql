-- Alerts: the rows of the order plan, each with a list of what needs attention, and its status: the first of them in the
-- order of the list. Everything is read off the projection of stock, not off levels; money is what makes one alert
-- matter more than another. Items without demand ahead run out of nothing.

WITH known AS (
  SELECT
    *,
    -- What a unit that cannot be sold costs: its margin, else what the policy puts on it.
    IF(unit_price >= unit_cost, unit_price - unit_cost, shortage_cost)       AS unit_margin,
    mean_per_period > 0 AND reason NOT IN ('do_not_order', 'inactive')       AS is_wanted,
    datediff(:decision_date, get(deliveries, 0).due_date)                    AS days_late,
    datediff(:decision_date, given_up_due_date)                              AS days_given_up,
    -- How probable so many empty periods in a row are, where the share of empty periods is not known but by what was
    -- seen before: Laplace's rule, each further empty period making the next one likelier.
    aggregate(
      slice(sequence(0, greatest(CAST(empty_since AS INT), 1) - 1), 1, CAST(empty_since AS INT)), 1D,
      (so_far, i) -> so_far * (empty_before + 1D + i) / (periods_before + 2D + i)) AS probability_of_silence,
    -- Just before an order arrives a normal review leaves the safety stock, less what demand exceeded its mean by.
    safety_stock - demand_swing                                              AS usual_low,
    order_up_to_level + mean_per_period * :overstock_cover_days / :period_days AS most_wanted,
    -- Since when the stock that is there has not sold.
    greatest(coalesce(last_sale, least(first_seen, active_from)), last_empty) AS idle_since,
    coalesce(unit_cost, unit_price, last_price)                              AS unit_value,
    IF(newest_demand > highest_expected OR newest_demand < get(expected.quantiles, 0), newest_demand, NULL)
                                                                             AS unusual_demand
  FROM (
    SELECT
      *,
      -- The place of the highest level that is no farther out than 99 %: beyond it the two tails would not be alike.
      size(filter(expected.levels, level -> level <= 0.99D)) - 1             AS outer,
      get(expected.quantiles, outer)                                         AS highest_expected
    FROM {order_plan}
    LEFT JOIN {recent_demand} USING (item_id, location_id)
  )
),

worded AS (
  SELECT
    *,
    greatest(inventory_position - most_wanted, 0D)                           AS excess,
    format_number(on_hand, digits)                                           AS on_hand_text,
    CASE
      WHEN round(outlook.lost_before) >= 1 THEN format_number(outlook.lost_before, digits)
      ELSE format_number(outlook.lost_before, '0.##')
    END                                                                      AS lost_text,
    format_number(100 * probability_of_silence, '0.##')                      AS silence_text
  FROM known
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
    on_hand > 0 AND datediff(:decision_date, idle_since) > :dead_after_days  AS is_dead
  FROM worded
),

found AS (
  SELECT
    *,
    concat(
      IF(is_wanted AND reason = 'stock_unknown', array(struct(
        'stock_unknown' AS kind, CAST(NULL AS DOUBLE) AS probability, demand_mean AS units,
        demand_mean * unit_margin AS money, CAST(NULL AS DATE) AS remedy_date,
        concat('Stock is not known, and nothing is ordered: ', format_number(demand_mean, digits),
               ' units are expected to be wanted until ', cover_until, '.') AS explanation)), array()),
      IF(counted < 0, array(struct(
        'negative_stock' AS kind, CAST(NULL AS DOUBLE) AS probability, -counted AS units, -counted * unit_cost AS money,
        CAST(NULL AS DATE) AS remedy_date,
        concat('The book says ', format_number(counted, digits), ' on ', counted_on, ', taken as 0: count the stock.')
          AS explanation)), array()),
      IF(is_wanted AND stock_out_before_arrival >= :alert_probability, array(struct(
        'stock_out' AS kind, stock_out_before_arrival AS probability, outlook.lost_before AS units,
        outlook.lost_before * unit_margin AS money, arrival_date AS remedy_date,
        concat('Stock runs out before ', arrival_date, ', when an order of today arrives, with probability ',
               format_number(100 * stock_out_before_arrival, '0'), ' %: on average ', lost_text,
               IF(lost_text = '1', ' unit', ' units'), ' of demand will be missed before then.') AS explanation)), array()),
      IF(is_wanted AND final_quantity < raw_quantity
         AND cycle_service_level_reached < cycle_service_level - :service_tolerance, array(struct(
        'service_below_promise' AS kind, 1 - cycle_service_level_reached AS probability,
        missed_by_limits AS units, missed_by_limits * unit_margin AS money, arrival_date AS remedy_date,
        concat('The order serves its cycle with probability ', format_number(100 * cycle_service_level_reached, '0'),
               ' % instead of ', format_number(100 * cycle_service_level, '0.##'), ' %, because of the ',
               replace(binding_constraint, '_', ' '), '.') AS explanation)), array()),
      IF(is_wanted AND stock_out_before_arrival < :alert_probability AND outlook.stock_at_arrival < usual_low, array(struct(
        'below_safety' AS kind, stock_out_in_cycle AS probability, lost_without_order AS units,
        lost_without_order * unit_margin AS money, arrival_date AS remedy_date,
        concat('About ', format_number(greatest(outlook.stock_at_arrival, 0D), digits), ' will be left on ',
               arrival_date, ', when an order of today arrives; usually it is ', format_number(safety_stock, digits),
               ', and less than ', format_number(usual_low, digits), ' in ',
               format_number(100 * :false_alarm_share, '0.##'), ' % of reviews only. Without an order, stock runs out by ',
               cover_until, ' with probability ', format_number(100 * stock_out_in_cycle, '0'), ' %',
               IF(final_quantity > 0, concat(': approve the order of ', format_number(final_quantity, digits)), ''), '.')
          AS explanation)), array()),
      IF(is_wanted AND is_phantom AND NOT is_dead, array(struct(
        'phantom_stock' AS kind, probability_of_silence AS probability,
        demand_before / periods_before * empty_since AS units,
        demand_before / periods_before * empty_since * unit_margin AS money, :decision_date AS remedy_date,
        concat('The book says ', on_hand_text, ' on hand, but nothing was sold for ', empty_since,
               ' periods; by chance that happens in ', silence_text, ' % of cases: look at the shelf.')
          AS explanation)), array()),
      IF(is_wanted AND overdue + given_up > 0, array(struct(
        'late_supplier' AS kind, CAST(NULL AS DOUBLE) AS probability, overdue + given_up AS units,
        least(overdue + given_up, demand_mean) * unit_margin AS money, :decision_date AS remedy_date,
        concat_ws(' ',
          IF(overdue > 0, concat(format_number(overdue, digits), ' units', coalesce(concat(' from ', supplier_id), ''),
            ' are up to ', days_late, IF(days_late = 1, ' day', ' days'), ' overdue.'), NULL),
          IF(given_up > 0, concat(format_number(given_up, digits), ' units', coalesce(concat(' from ', supplier_id), ''),
            ' are up to ', days_given_up, ' days overdue and no longer expected: ask for them, or close the order.'), NULL)
        ) AS explanation)), array()),
      IF(is_dead, array(struct(
        'dead_stock' AS kind, CAST(NULL AS DOUBLE) AS probability, on_hand AS units, on_hand * unit_value AS money,
        CAST(NULL AS DATE) AS remedy_date,
        concat(on_hand_text, ' on hand, ',
               CASE WHEN last_sale IS NULL THEN concat('there at least since ', idle_since, ' and never sold.')
                 ELSE concat('and nothing sold since ', last_sale, '.') END) AS explanation)), array()),
      IF(mean_per_period > 0 AND excess > 0 AND NOT coalesce(is_dead, false), array(struct(
        'overstock' AS kind, CAST(NULL AS DOUBLE) AS probability, excess AS units,
        -- The excess is sold last: all of it is kept until the rest is gone, then half of it on average; at most what
        -- it is worth.
        least(excess * unit_cost, holding_cost * excess * (most_wanted + excess / 2) / mean_per_period) AS money,
        date_add(:decision_date, CAST(least(excess / mean_per_period * :period_days, 36500D) AS INT)) AS remedy_date,
        concat(format_number(excess, digits), ' more than the order-up-to level and ',
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
        2 * least(get(expected.levels, 0), 1 - get(expected.levels, outer)) AS probability,
        abs(unusual_demand - expected.mean) AS units, abs(unusual_demand - expected.mean) * unit_margin AS money,
        :decision_date AS remedy_date,
        concat('Demand of the last period was ', format_number(unusual_demand, '0.##'), ', expected were ',
               format_number(get(expected.quantiles, 0), '0.##'), ' to ',
               format_number(highest_expected, '0.##'), '.') AS explanation)), array())
    )                                                                        AS alerts
  FROM served
)

SELECT
  * EXCEPT (outlook, outcomes, expected, exception, quantities, gains, stages),
  coalesce(get(alerts, 0).kind, 'ok')                                        AS stock_status
FROM found
