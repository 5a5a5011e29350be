"""Many machines: files are redacted by workers of a Dask cluster, over encrypted links."""

ROLES = ("scheduler", "worker", "client")
"""Who belongs to a cluster. Each has a file `ROLE.pem` with its key and its certificate."""

INSTALL = "pip install 'redact-video[cluster]'"
"""What to do where a library for clusters is missing."""
