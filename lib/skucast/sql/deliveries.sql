-- Deliveries: one row per item and location with goods on their way: the list of what is still to come, and when.

WITH line_received AS (
  SELECT order_id, line_id, sum(quantity) AS received
  FROM {receipt}
  WHERE received_on < :decision_date
  GROUP BY order_id, line_id
),

ordered_line AS (
  SELECT item_id, location_id, due_date, quantity - coalesce(received, 0D) AS remaining, provenance
  FROM {open_order}
  LEFT JOIN line_received USING (order_id, line_id)
  WHERE ordered_on < :decision_date
),

-- A planner's yes of an earlier day is an order that the purchasing system does not show yet. It counts until an order
-- for the same item, location and day shows up there, received or not, or until the approval expires.
approved_proposal AS (
  SELECT item_id, location_id, arrival_date AS due_date, coalesce(decided_quantity, final_quantity) AS remaining,
    provenance
  FROM {order_plan_before} AS proposal
  WHERE status IN ('approved', 'ordered')
    AND coalesce(decided_quantity, final_quantity) > 0
    AND decision_date < :decision_date
    AND decision_date >= date_sub(:decision_date, :approval_expires_after_days)
    AND decided_at < :decision_date
    AND NOT EXISTS (
      SELECT 1
      FROM ordered_line
      WHERE ordered_line.item_id = proposal.item_id
        AND ordered_line.location_id = proposal.location_id
        AND ordered_line.due_date = proposal.arrival_date
    )
)

SELECT
  item_id,
  location_id,
  sort_array(collect_list(struct(
    due_date,
    remaining,
    -- Goods that are due within a period help from the next one on; overdue ones are expected in the next period.
    CAST(1 + IF(due_date < :decision_date, 1, ceil(datediff(due_date, :decision_date) / :period_days)) AS INT) AS helps_in
  )))                                                              AS deliveries,
  max(weakness(provenance))                                        AS delivery_weakness
FROM (
  SELECT * FROM ordered_line WHERE round(remaining, 9) > 0
  UNION ALL
  SELECT * FROM approved_proposal
)
GROUP BY item_id, location_id
