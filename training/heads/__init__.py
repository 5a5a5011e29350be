"""Brings a network that finds the points of a body into the form that redact runs."""
