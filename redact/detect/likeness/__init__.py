"""How alike are two faces? Numbers in memory, for suggestions and choices, and never written."""
