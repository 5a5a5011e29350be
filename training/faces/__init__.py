"""A smaller CenterFace: channels pruned from its own weights, and what is left taught by it."""

from pathlib import Path

SETTINGS = Path(__file__).with_name("settings.toml")
"""All settings of its commands."""
