"""Values and rules that everybody speaks in."""
