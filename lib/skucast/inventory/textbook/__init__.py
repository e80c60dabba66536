"""Exact formulas and algorithms of the textbooks, for your own code: no command calls them."""
