"""Many files, each in a worker process of its own."""
