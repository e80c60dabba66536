-- Stock on hand: one row per item and location that was ever counted: the newest count up to the decision date, rolled
-- forward to the start of that day by what came in and what went out. Nothing dated on the decision date or later is
-- looked at, but for a count made at its start.

WITH newest_count AS (
  SELECT
    item_id,
    location_id,
    max(as_of)                                                     AS counted_on,
    max_by(on_hand, as_of)                                         AS on_hand,
    coalesce(max_by(backorders, as_of), 0D)                        AS backorders,
    coalesce(max_by(reserved, as_of), 0D)                          AS reserved,
    max_by(weakness(provenance), as_of)                            AS count_weakness
  FROM {stock}
  WHERE as_of <= :decision_date
  GROUP BY item_id, location_id
),

-- What was sold leaves the shelf. A sale cancelled before the decision date never left it; a return is not added back
-- before the next count has seen it. Days are those of the session's time zone.
movement AS (
  SELECT item_id, location_id, received_on AS moved_on, quantity, weakness(provenance) AS movement_weakness
  FROM {receipt}
  WHERE received_on >= date_sub(:decision_date, :max_stock_age_days) AND received_on < :decision_date
  UNION ALL
  SELECT item_id, location_id, CAST(ordered_at AS DATE), -quantity, weakness(provenance)
  FROM {sales_line}
  WHERE quantity > 0
    AND ordered_at >= date_sub(:decision_date, :max_stock_age_days) AND ordered_at < :decision_date
    AND (cancelled_at IS NULL OR cancelled_at >= :decision_date)
),

moved_since AS (
  SELECT
    newest_count.*,
    on_hand                                                        AS counted,
    greatest(on_hand, 0D) + coalesce(sum(quantity), 0D)            AS book,
    greatest(count_weakness, coalesce(max(movement_weakness), 0))  AS stock_weakness
  FROM newest_count
  LEFT JOIN movement
    ON movement.item_id = newest_count.item_id
      AND movement.location_id = newest_count.location_id
      AND moved_on >= counted_on
  GROUP BY newest_count.item_id, newest_count.location_id, counted_on, on_hand, backorders, reserved, count_weakness
)

-- A count that is too old is no count: what happened since is not known well enough, and nothing is claimed.
-- More sold than was there: with lost sales the count was wrong, and nothing is left. With backorders the customers
-- wait: what is missing is owed, and does not vanish.
SELECT
  item_id,
  location_id,
  counted_on,
  counted,
  IF(is_usable, counted_on, NULL)                                  AS stock_as_of,
  IF(is_usable, greatest(book, 0D), NULL)                          AS on_hand,
  IF(is_usable, backorders + IF(:unmet_demand = 'backorders', greatest(-book, 0D), 0D), NULL) AS backorders,
  IF(is_usable, reserved, NULL)                                    AS reserved,
  IF(is_usable, stock_weakness, 0)                                 AS stock_weakness
FROM (SELECT *, counted_on >= date_sub(:decision_date, :max_stock_age_days) AS is_usable FROM moved_since)
