-- The formulas of an order: from what is lacking to what the supplier takes, and what an order gains in money.
-- They follow functions.sql. Units: u units of the item, p periods. Symbols as in the vocabulary: b, h, K, R, Q.

-- What to order when so much is lacking: nothing; that much (base stock, (R, S)); with it what the economic lot exceeds
-- the demand of a review ((R, s, S), (s, S)); or so many whole lots ((s, Q)).
CREATE OR REPLACE TEMPORARY FUNCTION quantity_by_policy(
    shortfall DOUBLE, replenishment_policy STRING, lot DOUBLE, smallest_lot DOUBLE)
  RETURNS DOUBLE
  RETURN greatest(0D, round(CASE
    WHEN replenishment_policy IN ('base_stock', 'R_S') THEN shortfall
    WHEN replenishment_policy = 's_Q' AND lot > 0 THEN ceil(round(shortfall / lot, 9)) * lot
    ELSE shortfall + lot - smallest_lot
  END, 9));

-- What the supplier will take: at least the minimum order, then up to whole packs (a null pack: any quantity).
CREATE OR REPLACE TEMPORARY FUNCTION orderable_quantity(needed DOUBLE, min_order_quantity DOUBLE, pack_size DOUBLE)
  RETURNS DOUBLE
  RETURN CASE
    WHEN needed <= 0 THEN 0D
    WHEN pack_size IS NULL THEN greatest(needed, min_order_quantity)
    ELSE ceil(round(greatest(needed, min_order_quantity) / pack_size, 9)) * pack_size
  END;

-- What orders cost to buy. Brackets ascend from a min_quantity of 0; a unit costs what its bracket says, or, where the
-- scheme is not incremental, all units of an order cost what the last of them does. Null without brackets.
CREATE OR REPLACE TEMPORARY FUNCTION purchase_costs(
    ordered ARRAY<DOUBLE>, brackets ARRAY<STRUCT<min_quantity: DOUBLE, unit_cost: DOUBLE>>, is_incremental BOOLEAN)
  RETURNS ARRAY<DOUBLE>
  RETURN IF(brackets IS NULL, NULL, transform(ordered, q -> IF(is_incremental,
    aggregate(sequence(0, size(brackets) - 1), 0D, (cost, i) -> cost + get(brackets, i).unit_cost * greatest(0D,
      least(q, coalesce(get(brackets, i + 1).min_quantity, q)) - get(brackets, i).min_quantity)),
    q * aggregate(brackets, get(brackets, 0).unit_cost, (price, bracket) ->
      IF(bracket.min_quantity <= q, bracket.unit_cost, price)))));

-- Whole multiples, at least so many units: upwards, or downwards where that leaves enough. A null multiple: any quantity.
CREATE OR REPLACE TEMPORARY FUNCTION rounded_up(quantity DOUBLE, multiple DOUBLE)
  RETURNS DOUBLE
  RETURN IF(multiple IS NULL, quantity, ceil(round(quantity / multiple, 9)) * multiple);

CREATE OR REPLACE TEMPORARY FUNCTION rounded_down(quantity DOUBLE, multiple DOUBLE, least_quantity DOUBLE)
  RETURNS DOUBLE
  RETURN IF(multiple IS NULL, quantity,
    greatest(floor(round(quantity / multiple, 9)), ceil(round(least_quantity / multiple, 9))) * multiple);
