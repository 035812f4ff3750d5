"""Formats of dates and times on all pages."""
