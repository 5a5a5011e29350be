"""Brings a network that finds everyday objects into the form that redact runs."""
