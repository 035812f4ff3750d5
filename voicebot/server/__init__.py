"""Adds to daphne: graceful stop, request limits, Django without middleware."""
