"""Finds faces and number plates in video and pictures, and hides them irreversibly."""
