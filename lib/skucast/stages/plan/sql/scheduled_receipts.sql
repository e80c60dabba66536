-- Deliveries: one row per item and location with goods on order: the list of what is still to come, and when; and what
-- is given up, because it is overdue for longer than any order is waited for.

WITH line_received AS (
  SELECT order_id, line_id, sum(quantity) AS received
  FROM {receipt}
  WHERE received_on < :decision_date
  GROUP BY order_id, line_id
),

-- An order that names no day is due when what is stated has passed.
ordered_line AS (
  SELECT
    item_id,
    location_id,
    coalesce(due_date, date_add(ordered_on, CAST(ceil(coalesce(stated_days, :lead_time_days)) AS INT))) AS due_date,
    quantity - coalesce(received, 0D)                              AS remaining,
    provenance,
    lateness,
    delivered_fifths
  FROM {open_order}
  LEFT JOIN line_received USING (order_id, line_id)
  LEFT JOIN (SELECT item_id, location_id, stated_days, lateness, delivered_fifths FROM {lead_times}) USING (item_id, location_id)
  WHERE ordered_on < :decision_date
),

-- A planner's yes of an earlier day is an order that the purchasing system does not show yet. It arrives as any order of
-- its day does: around the planned day, by the law of the lead time.
approved_proposal AS (
  SELECT
    item_id,
    location_id,
    arrival_date                                                   AS due_date,
    quantity                                                       AS remaining,
    provenance,
    transform(coalesce(lead_time_law, :default_law), (share, periods) -> struct(
      CAST((periods - coalesce(lead_time, :default_lead_time)) * :period_days AS DOUBLE) AS days, share)) AS lateness,
    delivered_fifths
  FROM {standing_approvals}
  LEFT JOIN (SELECT item_id, location_id, lead_time_law, lead_time, delivered_fifths FROM {lead_times}) USING (item_id, location_id)
),

awaited AS (
  SELECT
    *,
    datediff(due_date, :decision_date)                             AS until_due,
    datediff(:decision_date, due_date) > :max_days_late            AS is_given_up
  FROM (
    SELECT * FROM ordered_line WHERE round(remaining, 9) > 0
    UNION ALL
    SELECT * FROM approved_proposal
  )
),

arriving AS (
  SELECT *, arrival_of(lateness.days, lateness.share, until_due, :period_days) AS arrival FROM awaited
)

SELECT
  item_id,
  location_id,
  sort_array(collect_list(struct(
    due_date,
    remaining,
    -- By when it has more likely come than not.
    date_add(:decision_date, CAST(ceil(arrival.days) AS INT))      AS expected_on,
    -- Probability that it helps from step 1, 2, … on: what arrives within a period helps from the next one on.
    arrival.by_step                                                AS law,
    -- Parts of it that may or may not come at all: one, unless the supplier is known to deliver short.
    CASE
      WHEN delivered_fifths IS NULL THEN array(1D)
      WHEN array_min(delivered_fifths) = array_max(delivered_fifths) THEN slice(delivered_fifths, 1, 1)
      ELSE delivered_fifths
    END                                                            AS parts
  )) FILTER (WHERE NOT is_given_up))                               AS deliveries,
  coalesce(sum(remaining) FILTER (WHERE is_given_up), 0D)          AS given_up,
  min(due_date) FILTER (WHERE is_given_up)                         AS given_up_due_date,
  max(weakness(provenance))                                        AS delivery_weakness
FROM arriving
GROUP BY item_id, location_id
