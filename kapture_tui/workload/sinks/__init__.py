"""Databases that consumer groups write to, one module each."""
