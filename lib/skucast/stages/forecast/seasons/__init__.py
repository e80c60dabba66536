"""Seasons that series of a group share."""
