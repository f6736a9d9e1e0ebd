"""A small cluster that behaves like Elasticsearch and Kibana where security is concerned."""
