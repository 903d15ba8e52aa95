"""Screens arrange panels and turn keys into actions; what they show and do lives elsewhere."""
