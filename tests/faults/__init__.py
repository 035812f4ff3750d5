"""Faults of a deployment during calls, and measurements of the calls."""
