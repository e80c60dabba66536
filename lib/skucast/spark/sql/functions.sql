-- The formulas of the plan, one function each. They are registered for the session before the plan runs, so a planner
-- can call them in a notebook: SELECT economic_order_quantity(8, 1300, 0.225). What runs over long lists is registered
-- beside them by the same kind of name from skucast.inventory (see spark/array_functions.py): interpolate,
-- quantile_of, stock_for_fill_rate, expected_shortages, credible_law, demand_over, law_of_days, order_outcomes.
-- Units: u units of the item, p periods (days or weeks). Symbols as in the vocabulary: L, R, s, S, h, b, K.

-- Calendar days in whole periods, rounded up: a delivery in 8 days is no help within a week. [L, R]
CREATE OR REPLACE TEMPORARY FUNCTION whole_periods(days DOUBLE, period_days INT)
  RETURNS INT
  RETURN CAST(ceil(round(days / period_days, 9)) AS INT);

-- Days from a day to the next one on which a supplier takes orders: '1,4' is Monday and Thursday, nothing is any day.
CREATE OR REPLACE TEMPORARY FUNCTION days_until_order(day DATE, ordering_days STRING)
  RETURNS INT
  RETURN coalesce(array_min(transform(
    filter(split(ordering_days, ','), each -> trim(each) <> ''),
    each -> CAST(pmod(CAST(trim(each) AS INT) - 1 - weekday(day), 7) AS INT))), 0);

-- How many periods a share of the units arrives in.
CREATE OR REPLACE TEMPORARY FUNCTION periods_for(share DOUBLE, law ARRAY<DOUBLE>)
  RETURNS INT
  RETURN aggregate(law, struct(0D AS arrived, -1 AS periods), (so_far, each) ->
    IF(round(so_far.arrived, 9) < share,
       struct(so_far.arrived + each AS arrived, so_far.periods + 1 AS periods), so_far), so_far -> so_far.periods);

-- Fill rate of the (R, S) policy with backorders, for each S: of the demand that one review answers for (the last R of
-- the R + L periods, or a larger lot) the share not short. Shortage that was there before, over the first L periods, is
-- not its doing and is subtracted (Johnson et al. 1995, Silver & Bischak 2011); null where L = 0: there is no before.
-- With lost sales it is a lower bound: nothing is owed from before. Without demand everything is served.
CREATE OR REPLACE TEMPORARY FUNCTION fill_rates(
    shortages ARRAY<DOUBLE>, shortages_before ARRAY<DOUBLE>, review_demand DOUBLE)
  RETURNS ARRAY<DOUBLE>
  RETURN zip_with(shortages, shortages_before, (after, before) ->
    greatest(0D, least(1D, 1 - coalesce(try_divide(after - coalesce(before, 0D), review_demand), 0D))));

-- The cheapest lot when demand is even: ordering costs K a time, keeping a unit costs h per period. Null without costs.
CREATE OR REPLACE TEMPORARY FUNCTION economic_order_quantity(
    fixed_cost DOUBLE, mean_per_period DOUBLE, holding_cost DOUBLE)
  RETURNS DOUBLE
  RETURN sqrt(try_divide(2 * nullif(fixed_cost, 0D) * mean_per_period, holding_cost));

-- What a usual order brings: the lot, or what the supplier takes at least. One unit of whole goods is no lot.
CREATE OR REPLACE TEMPORARY FUNCTION usual_order(
    lot DOUBLE, min_order_quantity DOUBLE, pack_size DOUBLE, unit DOUBLE)
  RETURNS DOUBLE
  RETURN greatest(lot, IF(min_order_quantity > unit, min_order_quantity, 0D), IF(pack_size > unit, pack_size, 0D));

-- The demand that one order answers for: that of a review, or the lot, for a stock-out threatens once per lot. Where
-- unmet demand is lost and the lot lasts longer than a review, up to one and a half reviews more: the position mostly lies
-- above the reorder point when the last cycle of a lot begins. The share is calibrated on exact policies (see
-- docs/inventory.md).
CREATE OR REPLACE TEMPORARY FUNCTION demand_per_order(
    review_demand DOUBLE, usual_order DOUBLE, unmet_demand STRING)
  RETURNS DOUBLE
  RETURN greatest(review_demand, usual_order)
    + IF(unmet_demand = 'lost_sales', 1.5D * greatest(0D, least(review_demand, usual_order - review_demand)), 0D);

-- How many periods a unit too many is kept: as long as that demand lasts, at least R. Where unmet demand is lost, a fifth
-- of the lead time more, for a unit left over lowers orders on their way by less than one; calibrated like the other.
-- Without lead time and lot it is R.
CREATE OR REPLACE TEMPORARY FUNCTION overage_periods(
    review_period INT, demand_per_order DOUBLE, mean_per_period DOUBLE, lead_time INT, unmet_demand STRING)
  RETURNS DOUBLE
  RETURN greatest(CAST(review_period AS DOUBLE), coalesce(try_divide(demand_per_order, mean_per_period), 0D))
    + IF(unmet_demand = 'lost_sales', 0.2D * lead_time, 0D);

-- The share of cycles to protect, b / (b + h·periods): a unit short costs b once, a unit too many h in each period.
CREATE OR REPLACE TEMPORARY FUNCTION critical_ratio(stockout_cost DOUBLE, holding_cost DOUBLE, periods DOUBLE)
  RETURNS DOUBLE
  RETURN stockout_cost / (stockout_cost + holding_cost * periods);

-- The textbook's safety stock, z·√(variance of cumulative demand + mean² · variance of the lead time): it takes the sum
-- of demand for normal, and so is shown beside the one that is used, never in its place.
CREATE OR REPLACE TEMPORARY FUNCTION textbook_safety_stock(
    cycle_service_level DOUBLE, cumulative_sd DOUBLE, mean_per_period DOUBLE, lead_time_sd DOUBLE)
  RETURNS DOUBLE
  RETURN normal_quantile(cycle_service_level)
    * sqrt(power(cumulative_sd, 2) + power(mean_per_period * lead_time_sd, 2));

-- What is there and what will be, less what is promised already.
CREATE OR REPLACE TEMPORARY FUNCTION position_of(on_hand DOUBLE, on_order DOUBLE, backorders DOUBLE, reserved DOUBLE)
  RETURNS DOUBLE
  RETURN round(on_hand + on_order - backorders - reserved, 9);

-- By the share of value that ranks before the item, so that one dominant item is A and not B.
CREATE OR REPLACE TEMPORARY FUNCTION abc_class_of(share_before DOUBLE)
  RETURNS STRING
  RETURN CASE WHEN share_before IS NULL THEN 'N'
              WHEN round(share_before, 9) < 0.80 THEN 'A'
              WHEN round(share_before, 9) < 0.95 THEN 'B'
              ELSE 'C' END;

-- By the coefficient of variation of demand per period.
CREATE OR REPLACE TEMPORARY FUNCTION xyz_class_of(variation DOUBLE)
  RETURNS STRING
  RETURN CASE WHEN variation IS NULL THEN 'N'
              WHEN round(variation, 9) < 0.5 THEN 'X'
              WHEN round(variation, 9) < 1 THEN 'Y'
              ELSE 'Z' END;

-- How little an origin can be trusted: the weakest input names the provenance of the plan. Unsaid is measured.
CREATE OR REPLACE TEMPORARY FUNCTION weakness(provenance STRING)
  RETURNS INT
  RETURN CASE provenance WHEN 'default' THEN 2 WHEN 'simulated' THEN 1 ELSE 0 END;
