"""The page on which a person corrects a plan, and the server behind it."""
