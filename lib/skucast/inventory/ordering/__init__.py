"""How much to order: targets of service and cost, lot sizes, policies."""
