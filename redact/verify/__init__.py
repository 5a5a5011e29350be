"""Is the result what the plan says, and does anybody still show?"""
