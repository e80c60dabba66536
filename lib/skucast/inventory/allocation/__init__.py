"""Limits that orders share: budgets, minima, capacities, and the prices that settle them."""
