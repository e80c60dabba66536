"""Demand that stock-outs hid."""
