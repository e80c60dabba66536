-- Limited: the quantities again, each within the limits that items share: what a limit made of an order is one more
-- stage of it, with the limit's price. An item that lacks nothing may be ordered to fill up a supplier's minimum.
SELECT
  quantities.* EXCEPT (final_quantity, stages, reason),
  IF(quantities.reason = 'covered' AND shared.quantity > 0, 'topped_up', quantities.reason) AS reason,
  coalesce(shared.quantity, quantities.final_quantity)             AS final_quantity,
  IF(shared.limit IS NULL, stages,
     concat(stages, array(struct(shared.limit AS reason, shared.quantity AS quantity)))) AS stages,
  shared.shadow_price                                              AS shadow_price
FROM {quantities} AS quantities
LEFT JOIN {shared} AS shared
  ON shared.item_id = quantities.item_id AND shared.location_id = quantities.location_id
