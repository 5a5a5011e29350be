"""How is a region hidden so that nobody brings it back?"""
