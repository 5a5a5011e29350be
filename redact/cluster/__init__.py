"""Many machines: files are redacted by workers of a Dask cluster, over encrypted links."""
