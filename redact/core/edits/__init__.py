"""A person's changes to a plan: values, their JSON, whether they can do something, what they do."""
