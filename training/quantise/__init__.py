"""Networks that compute in 8 bits: whole numbers from 0 to 255, weights of 7 bits and a sign."""

from pathlib import Path

SETTINGS = Path(__file__).with_name("settings.toml")
"""All settings of its commands."""
