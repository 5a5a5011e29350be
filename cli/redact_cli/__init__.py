"""The command line of redact."""
