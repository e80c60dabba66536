"""Sources → accepted order lines and the other input tables."""
