"""The only place that changes anything."""
