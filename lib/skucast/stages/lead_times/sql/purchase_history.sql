-- Supply: one row per item and location that is listed or was ordered: who delivers it, on what stated terms, when an
-- order can be placed, and what was seen of its orders: every delivery, and every rest that is still open.

-- An order line with what came of it before the decision date.
WITH order_line AS (
  SELECT
    order_id,
    coalesce(line.item_id, parts[0].item_id)                       AS item_id,
    coalesce(line.location_id, parts[0].location_id)               AS location_id,
    line,
    coalesce(parts, array())                                       AS parts,
    coalesce(received, 0D)                                         AS received
  FROM (
    SELECT
      order_id,
      line_id,
      struct(item_id, location_id, supplier_id, ordered_on, due_date, quantity, weakness(provenance) AS weakness) AS line
    FROM {open_order}
    WHERE ordered_on < :decision_date
  )
  FULL JOIN (
    SELECT
      order_id,
      line_id,
      collect_list(struct(
        item_id, location_id, supplier_id, ordered_on, received_on, quantity, weakness(provenance) AS weakness)) AS parts,
      sum(quantity)                                                AS received
    FROM {receipt}
    WHERE received_on < :decision_date
    GROUP BY order_id, line_id
  ) USING (order_id, line_id)
),

-- Each line counts as one, its units share it: screws weigh no more than machines, and a late rest counts. When it was
-- ordered is what the receipt says, else the order.
seen AS (
  SELECT order_id, item_id, location_id, datediff(line.due_date, line.ordered_on) AS promised_days, inline(concat(
    transform(parts, part -> struct(
      coalesce(part.supplier_id, line.supplier_id)                 AS delivered_by,
      coalesce(part.ordered_on, line.ordered_on)                   AS ordered_on,
      part.received_on                                             AS seen_on,
      part.quantity / greatest(line.quantity, received)            AS arrived,
      0D                                                           AS open,
      part.weakness                                                AS weakness)),
    filter(array(struct(
      line.supplier_id                                             AS delivered_by,
      line.ordered_on                                              AS ordered_on,
      :decision_date                                               AS seen_on,
      0D                                                           AS arrived,
      round(1 - received / line.quantity, 9)                       AS open,
      line.weakness                                                AS weakness)), rest -> rest.open > 0)))
  FROM order_line
),

seen_of_item AS (
  SELECT
    item_id,
    location_id,
    collect_list(struct(
      delivered_by,
      order_id,
      ordered_on,
      CAST(datediff(seen_on, ordered_on) AS DOUBLE)                AS days,
      promised_days,
      arrived,
      open,
      weakness))                                                   AS seen,
    max(IF(delivered_by IS NULL, NULL, struct(ordered_on, delivered_by))).delivered_by AS newest_supplier_id
  FROM seen
  WHERE :measured AND coalesce(ordered_on, seen_on) >= date_sub(:decision_date, :window_days)
  GROUP BY item_id, location_id
),

-- How much of a line ever comes, of lines that are complete or given up: how often the first fifth of it came, the
-- second, and so on. A receipt without its order line is taken as whole.
closed_of_item AS (
  SELECT
    item_id,
    location_id,
    count(*)                                                       AS closed_lines,
    count_if(share > 0)                                            AS received_lines,
    array(
      sum(least(1D, 5 * share)),
      sum(least(1D, greatest(0D, 5 * share - 1))),
      sum(least(1D, greatest(0D, 5 * share - 2))),
      sum(least(1D, greatest(0D, 5 * share - 3))),
      sum(least(1D, greatest(0D, 5 * share - 4))))                 AS received_fifths
  FROM (
    SELECT
      item_id,
      location_id,
      least(1D, coalesce(round(received / line.quantity, 9), 1D))  AS share,
      coalesce(array_min(parts.ordered_on), line.ordered_on, array_min(parts.received_on)) AS ordered_on,
      line.due_date
    FROM order_line
  )
  WHERE :measured
    AND ordered_on >= date_sub(:decision_date, :window_days)
    AND datediff(:decision_date, coalesce(due_date, date_add(ordered_on, CAST(ceil(:lead_time_days) AS INT)))) > :max_days_late
  GROUP BY item_id, location_id
),

-- What is stated, oldest first.
listed AS (
  SELECT
    item_id,
    location_id,
    sort_array(collect_list(struct(
      valid_from, supplier_id, lead_time_days, lead_time_sd_days, safety_lead_time_days, review_period_days))) AS statements
  FROM {item_location}
  WHERE valid_from <= :decision_date
  GROUP BY item_id, location_id
),

ordering_days_in_force AS (
  SELECT supplier_id, max_by(ordering_days, valid_from) AS ordering_days
  FROM {supplier}
  WHERE valid_from <= :decision_date
  GROUP BY supplier_id
),

-- A row that names no supplier is delivered by whom it was ordered from last.
stated AS (
  SELECT
    *,
    coalesce(listing.supplier_id, newest_supplier_id)              AS supplier_id,
    greatest(1, whole_periods(coalesce(listing.review_period_days, :review_period_days), :period_days)) AS review_period,
    coalesce(listing.safety_lead_time_days, :safety_lead_time_days, 0D) AS safety_lead_time_days
  FROM (SELECT *, try_element_at(statements, -1) AS listing FROM listed FULL JOIN seen_of_item USING (item_id, location_id))
  LEFT JOIN closed_of_item USING (item_id, location_id)
),

-- What was stated on the day of the order; before the first statement, the first.
remembered AS (
  SELECT
    *,
    transform(seen, each -> struct(
      each.delivered_by,
      each.order_id,
      each.ordered_on,
      each.days,
      each.promised_days,
      each.arrived,
      each.open,
      each.weakness,
      coalesce(
        coalesce(
          array_max(filter(statements, statement -> statement.valid_from <= each.ordered_on)),
          array_min(statements)).lead_time_days,
        :lead_time_days)                                           AS stated_then)) AS seen_then
  FROM stated
),

-- Late against what was stated, and overdue against what was promised: the due date of the order, where it is known.
compared AS (
  SELECT
    *,
    transform(seen_then, each -> struct(
      coalesce(each.delivered_by, supplier_id)                     AS delivered_by,
      each.order_id,
      each.ordered_on,
      each.days,
      each.days - each.stated_then                                 AS days_late,
      each.days - coalesce(each.promised_days, each.stated_then)   AS days_overdue,
      each.arrived,
      each.open,
      each.weakness))                                              AS seen_late
  FROM remembered
)

SELECT
  item_id,
  location_id,
  supplier_id,
  IF(listing.lead_time_days IS NULL, 'default', 'row')             AS stated_by,
  coalesce(listing.lead_time_days, :lead_time_days)                AS stated_days,
  coalesce(listing.lead_time_sd_days, :lead_time_sd_days, 0D)      AS stated_sd_days,
  safety_lead_time_days,
  review_period,
  -- An order waits for a day on which the supplier takes it, and so does the next one, which is decided a review later.
  days_until_order(:decision_date, ordering_days)                  AS ordering_wait_days,
  days_until_order(date_add(:decision_date, review_period * :period_days), ordering_days) AS next_wait_days,
  days_until_order(:decision_date, ordering_days) + safety_lead_time_days AS offset_days,
  closed_lines,
  received_lines,
  received_fifths,
  transform(coalesce(seen_late, array()), each -> struct(
    each.delivered_by,
    each.order_id,
    each.ordered_on,
    least(each.days_late, :max_days_late)                          AS days_late,
    least(each.days_overdue, :max_days_late)                       AS days_overdue,
    each.arrived,
    each.open,
    each.weakness,
    CASE
      WHEN each.ordered_on IS NULL THEN 'without_order_date'
      WHEN each.days < 0 THEN 'before_order'
      WHEN each.open > 0 AND each.days_late > :max_days_late THEN 'given_up'
      WHEN each.open > 0 THEN 'open'
      ELSE 'arrived'
    END                                                            AS kind))  AS seen
FROM compared
LEFT JOIN ordering_days_in_force USING (supplier_id)
