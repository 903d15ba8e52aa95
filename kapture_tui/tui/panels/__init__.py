"""Panels: pure functions from a snapshot to the lines of a picture. They know neither the toolkit nor each other."""
