-- Further formulas of lot sizes, service and stock health, one function each, registered beside those of functions.sql:
-- SELECT lot_with_backorders(8, 1300, 0.225, 5).
-- Units: u units of the item, p periods (days or weeks). Symbols as in the vocabulary: s, Q, h, b, K.

-- The cheapest lot when customers wait, at b per unit and period of waiting: larger than the economic order quantity.
CREATE OR REPLACE TEMPORARY FUNCTION lot_with_backorders(
    fixed_cost DOUBLE, mean_per_period DOUBLE, holding_cost DOUBLE, backorder_cost DOUBLE)
  RETURNS DOUBLE
  RETURN economic_order_quantity(
    fixed_cost, mean_per_period, try_divide(holding_cost * backorder_cost, holding_cost + backorder_cost));

-- The cheapest lot that comes in at a rate per period instead of at once: while it comes, demand takes its share away.
-- Null where the rate does not exceed demand.
CREATE OR REPLACE TEMPORARY FUNCTION production_lot(
    fixed_cost DOUBLE, mean_per_period DOUBLE, holding_cost DOUBLE, production_rate DOUBLE)
  RETURNS DOUBLE
  RETURN IF(production_rate > mean_per_period,
    economic_order_quantity(fixed_cost, mean_per_period, holding_cost * (1 - mean_per_period / production_rate)),
    NULL);

-- The cheapest whole number of packs, at least one, to a cheapest lot of any size. With m packs a lot costs as much as
-- with m + 1 where the lot of any size is √(m·(m + 1)) packs.
CREATE OR REPLACE TEMPORARY FUNCTION lot_in_packs(quantity DOUBLE, pack_size DOUBLE)
  RETURNS DOUBLE
  RETURN CASE
    WHEN quantity <= pack_size THEN pack_size
    ELSE pack_size * (floor(round(quantity / pack_size, 9))
      + IF(quantity / pack_size > sqrt(floor(round(quantity / pack_size, 9))
        * (floor(round(quantity / pack_size, 9)) + 1)), 1, 0))
    END;

-- The cheapest lot when all its units cost what the last of them does (Hadley & Whitin 1963, 2-11). Brackets ascend from
-- a min_quantity of 0 and their unit_cost does not rise; holding_rate is a share of the unit's cost per period. In each
-- bracket the lot of its price, raised to its start; where that reaches the next bracket, the next is cheaper. The cost
-- is money per period with the purchase.
CREATE OR REPLACE TEMPORARY FUNCTION all_units_discount(
    fixed_cost DOUBLE, mean_per_period DOUBLE, holding_rate DOUBLE,
    brackets ARRAY<STRUCT<min_quantity: DOUBLE, unit_cost: DOUBLE>>)
  RETURNS STRUCT<cost: DOUBLE, quantity: DOUBLE, unit_cost: DOUBLE>
  RETURN array_min(transform(
    transform(brackets, bracket -> named_struct(
      'quantity', CASE
        WHEN sqrt(try_divide(2 * fixed_cost * mean_per_period, holding_rate * bracket.unit_cost)) < bracket.min_quantity
          THEN bracket.min_quantity
        ELSE sqrt(try_divide(2 * fixed_cost * mean_per_period, holding_rate * bracket.unit_cost))
        END,
      'unit_cost', bracket.unit_cost)),
    (lot, i) -> IF(
      lot.quantity < coalesce(get(brackets, i + 1).min_quantity, double('infinity')),
      named_struct(
        'cost', lot.unit_cost * mean_per_period + coalesce(try_divide(fixed_cost * mean_per_period, lot.quantity), 0D)
          + holding_rate * lot.unit_cost * lot.quantity / 2,
        'quantity', lot.quantity,
        'unit_cost', lot.unit_cost),
      NULL)));

-- The cheapest lot when only the units from a bracket's start on cost less (Hadley & Whitin 1963, 2-12); arguments and
-- answer as in all_units_discount. The units below a bracket cost more than at its price by Σ (price before − price) ·
-- start: a surcharge, which each order pays like its fixed cost. A lot counts only inside its own bracket.
CREATE OR REPLACE TEMPORARY FUNCTION incremental_discount(
    fixed_cost DOUBLE, mean_per_period DOUBLE, holding_rate DOUBLE,
    brackets ARRAY<STRUCT<min_quantity: DOUBLE, unit_cost: DOUBLE>>)
  RETURNS STRUCT<cost: DOUBLE, quantity: DOUBLE, unit_cost: DOUBLE>
  RETURN array_min(transform(
    transform(
      transform(brackets, (bracket, i) -> named_struct(
        'start', bracket.min_quantity,
        'unit_cost', bracket.unit_cost,
        'surcharge', aggregate(
          slice(sequence(0, size(brackets) - 1), 2, i),
          0D,
          (total, j) -> total
            + (get(brackets, j - 1).unit_cost - get(brackets, j).unit_cost) * get(brackets, j).min_quantity))),
      at -> named_struct(
        'start', at.start,
        'unit_cost', at.unit_cost,
        'surcharge', at.surcharge,
        'quantity', sqrt(
          try_divide(2 * (fixed_cost + at.surcharge) * mean_per_period, holding_rate * at.unit_cost)))),
    (lot, i) -> IF(
      lot.quantity >= lot.start AND lot.quantity < coalesce(get(brackets, i + 1).min_quantity, double('infinity')),
      named_struct(
        'cost', lot.unit_cost * mean_per_period + holding_rate * lot.surcharge / 2
          + holding_rate * lot.unit_cost * lot.quantity,
        'quantity', lot.quantity,
        'unit_cost', lot.unit_cost),
      NULL)));

-- Fill rate of the (s, Q) policy with backorders from quantiles of demand over the lead time: of each lot the share not
-- short, 1 − {E[(D − s)⁺] − E[(D − s − Q)⁺]} / Q. Null without a lot or a forecast.
CREATE OR REPLACE TEMPORARY FUNCTION lot_fill_rate(
    reorder_point DOUBLE, quantity DOUBLE, levels ARRAY<DOUBLE>, quantiles ARRAY<DOUBLE>)
  RETURNS DOUBLE
  RETURN IF(quantiles IS NULL, NULL, 1 - try_divide(
    get(expected_shortages(array(reorder_point), levels, quantiles), 0)
      - get(expected_shortages(array(reorder_point + quantity), levels, quantiles), 0),
    quantity));

-- Periods until the demand forecast for the periods ahead exceeds the stock, the last one in part; where the stock
-- outlasts the forecast, demand goes on at its mean. Null without demand: the stock lasts for ever.
CREATE OR REPLACE TEMPORARY FUNCTION periods_of_cover(on_hand DOUBLE, forecast ARRAY<DOUBLE>)
  RETURNS DOUBLE
  RETURN aggregate(
    forecast,
    named_struct('left', on_hand, 'periods', 0D, 'total', 0D),
    (at, units) -> named_struct(
      'left', at.left - units,
      'periods', at.periods + CASE WHEN at.left >= units THEN 1D
                                   WHEN at.left > 0 THEN at.left / units
                                   ELSE 0D END,
      'total', at.total + units),
    at -> IF(at.total > 0, at.periods + greatest(at.left, 0D) * size(forecast) / at.total, NULL));

-- How often a year the stock is sold: cost of the goods sold within so many days over the average value of the stock,
-- both at cost. Sales at retail prices over a stock at cost would say more than is true.
CREATE OR REPLACE TEMPORARY FUNCTION stock_turnover(
    cost_of_goods_sold DOUBLE, average_stock_value DOUBLE, days INT)
  RETURNS DOUBLE
  RETURN try_divide(cost_of_goods_sold * 365, average_stock_value * days);

-- Gross margin earned per unit of money held in stock, the stock at cost. [GMROI]
CREATE OR REPLACE TEMPORARY FUNCTION gross_margin_return(
    sales_value DOUBLE, cost_of_goods_sold DOUBLE, average_stock_value DOUBLE)
  RETURNS DOUBLE
  RETURN try_divide(sales_value - cost_of_goods_sold, average_stock_value);
