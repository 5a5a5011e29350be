"""A smaller CenterFace: channels pruned from its own weights, and what is left taught by it."""
