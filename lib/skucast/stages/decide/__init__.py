"""A planner's decision on proposals."""
