"""estui: secures self-managed Elasticsearch clusters and keeps their certificates alive."""

__version__ = "0.1.0"
