-- Standing: the quantities again, each left as an earlier run for the same date proposed it, if that can still be ordered
-- and the new quantity gains less than :min_change_gain (money) against it: one more stage of the order.

WITH proposal AS (
  SELECT item_id, location_id, final_quantity AS proposed_before
  FROM {order_plan_before}
  WHERE decision_date = :decision_date AND status = 'proposed' AND final_quantity > 0
),

rivals AS (
  SELECT
    *,
    IF(final_quantity > 0 AND proposed_before <> final_quantity AND proposed_before <= room
         AND proposed_before >= coalesce(min_order_quantity, 0D)
         AND coalesce(round(proposed_before / pack_size, 9) = floor(round(proposed_before / pack_size, 9)), true),
       array(proposed_before, final_quantity), NULL)               AS proposals
  FROM {quantities}
  LEFT JOIN proposal USING (item_id, location_id)
),

weighed AS (
  SELECT
    *,
    order_outcomes(proposals, outlook.need, outlook.shortage, shortfall, raw_quantity, shortage_cost, holding_cost,
                   review_period, smallest_lot, fixed_cost, mean_per_period, overage_periods).gain AS gains
  FROM rivals
),

settled AS (
  SELECT
    *,
    IF(get(gains, 1) - get(gains, 0) < :min_change_gain, proposed_before, final_quantity) AS settled_quantity
  FROM weighed
)

SELECT
  * EXCEPT (proposals, gains, proposed_before, settled_quantity, final_quantity, stages),
  settled_quantity                                                 AS final_quantity,
  concat(stages, array(struct('proposed_before' AS reason, settled_quantity AS quantity))) AS stages
FROM settled
