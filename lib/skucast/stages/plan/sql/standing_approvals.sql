-- Standing approvals: one row per proposal of an earlier day that a planner approved and that no purchase order has
-- answered yet. It counts as on order until one does, received or not, or until the approval expires. Each purchase
-- order answers one proposal at most: the one that it names as its reference (item/location/decision date), else, of
-- those it was placed within, the one whose quantity is nearest.

WITH known_proposal AS (
  SELECT
    item_id,
    location_id,
    decision_date,
    arrival_date,
    coalesce(decided_quantity, final_quantity)                     AS quantity,
    provenance,
    concat_ws('/', item_id, location_id, decision_date)            AS reference,
    decision_date >= date_sub(:decision_date, :approval_expires_after_days)
      AND status IN ('approved', 'ordered') AND decided_at < :decision_date
      AND coalesce(decided_quantity, final_quantity) > 0           AS is_standing
  FROM {order_plan_before}
  WHERE decision_date < :decision_date
),

proposal AS (
  SELECT
    item_id,
    location_id,
    collect_list(reference)                                        AS known_references,
    collect_list(struct(decision_date, arrival_date, quantity, provenance, reference)) FILTER (WHERE is_standing)
                                                                   AS standing
  FROM known_proposal
  GROUP BY item_id, location_id
  HAVING size(standing) > 0
),

-- What was ordered, whether or not the purchasing system still shows the order.
purchase AS (
  SELECT
    item_id,
    location_id,
    collect_list(struct(ordered_on, quantity, order_id, line_id, reference)) AS purchases
  FROM (
    SELECT
      order_id,
      line_id,
      coalesce(max(ordered.item_id), max(came.item_id))            AS item_id,
      coalesce(max(ordered.location_id), max(came.location_id))    AS location_id,
      coalesce(max(ordered.ordered_on), min(came.ordered_on), min(came.received_on)) AS ordered_on,
      coalesce(max(ordered.quantity), sum(came.quantity))          AS quantity,
      coalesce(max(trim(ordered.reference)), max(trim(came.reference))) AS reference
    FROM (SELECT * FROM {open_order} WHERE ordered_on < :decision_date) AS ordered
    FULL JOIN (SELECT * FROM {receipt} WHERE received_on < :decision_date) AS came USING (order_id, line_id)
    GROUP BY order_id, line_id
  )
  GROUP BY item_id, location_id
),

-- Every pair that may belong together, the surest first. An order that names a proposal answers that one or none.
paired AS (
  SELECT
    proposal.*,
    sort_array(flatten(transform(standing, offer -> transform(
      filter(coalesce(purchases, array()), bought -> IF(
        array_contains(known_references, bought.reference),
        bought.reference = offer.reference,
        bought.ordered_on BETWEEN offer.decision_date
          AND date_add(offer.decision_date, :approval_expires_after_days))),
      bought -> struct(
        IF(bought.reference <=> offer.reference, 0, 1)             AS rank,
        abs(bought.quantity - offer.quantity)                      AS difference,
        offer.decision_date,
        bought.order_id,
        bought.line_id))))) AS pairs
  FROM proposal
  LEFT JOIN purchase USING (item_id, location_id)
),

answered AS (
  SELECT
    *,
    aggregate(
      pairs,
      struct(CAST(array() AS ARRAY<DATE>) AS dates, CAST(array() AS ARRAY<STRUCT<order_id: STRING, line_id: STRING>>) AS orders),
      (so_far, pair) -> IF(
        array_contains(so_far.dates, pair.decision_date)
          OR array_contains(so_far.orders, struct(pair.order_id, pair.line_id)),
        so_far,
        struct(array_append(so_far.dates, pair.decision_date) AS dates,
               array_append(so_far.orders, struct(pair.order_id, pair.line_id)) AS orders)),
      so_far -> so_far.dates)                                      AS answered_dates
  FROM paired
)

SELECT item_id, location_id, inline(filter(standing, offer -> NOT array_contains(answered_dates, offer.decision_date)))
FROM answered
