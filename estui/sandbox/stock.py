"""Owns the text of the configuration files that a sandbox begins with: shaped like those that packages install."""

from __future__ import annotations

from collections.abc import Sequence

CLUSTER = "logs-demo"


def elasticsearch_yml(
    *, name: str, folder: str, http: int, transport: int, seeds: Sequence[int], masters: Sequence[str]
) -> str:
    """`elasticsearch.yml` of one unsecured node; `folder` is the one that holds its `config`.

    Without `seeds` or `masters` their settings are comments, as in the file that packages install.
    """
    hosts = ", ".join(f'"127.0.0.1:{port}"' for port in seeds)
    names = ", ".join(f'"{master}"' for master in masters)
    return f"""# ======================== Elasticsearch Configuration =========================
#
# NOTE: Elasticsearch comes with reasonable defaults for most settings.
#       Before you set out to tweak and tune the configuration, make sure you
#       understand what are you trying to accomplish and the consequences.
#
# The primary way of configuring a node is via this file. This template lists
# the most important settings you may want to configure for a production cluster.
#
# Please consult the documentation for further information on configuration options:
# https://www.elastic.co/guide/en/elasticsearch/reference/index.html
#
# ---------------------------------- Cluster -----------------------------------
#
# Use a descriptive name for your cluster:
#
cluster.name: {CLUSTER}
#
# ------------------------------------ Node ------------------------------------
#
# Use a descriptive name for the node:
#
node.name: {name}
#
# Add custom attributes to the node:
#
#node.attr.rack: r1
#
# ----------------------------------- Paths ------------------------------------
#
# Path to directory where to store the data (separate multiple locations by comma):
#
path.data: {folder}/data
#
# Path to log files:
#
path.logs: {folder}/logs
#
# ----------------------------------- Memory -----------------------------------
#
# Lock the memory on startup:
#
#bootstrap.memory_lock: true
#
# ---------------------------------- Network -----------------------------------
#
# By default Elasticsearch is only accessible on localhost. Set a different
# address here to expose this node on the network:
#
network.host: 127.0.0.1
#
# By default Elasticsearch listens for HTTP traffic on the first free port it
# finds starting at 9200. Set a specific HTTP port here:
#
http.port: {http}
transport.port: {transport}
#
# For more information, consult the network module documentation.
#
# --------------------------------- Discovery ----------------------------------
#
# Pass an initial list of hosts to perform discovery when this node is started:
# The default list of hosts is ["127.0.0.1", "[::1]"]
#
{"" if seeds else "#"}discovery.seed_hosts: [{hosts}]
#
# Bootstrap the cluster using an initial set of master-eligible nodes:
#
{"" if masters else "#"}cluster.initial_master_nodes: [{names}]
#
# How long HTTP stays closed while the node is in no cluster (default 30s):
#
discovery.initial_state_timeout: 5s
#
# For more information, consult the discovery and cluster formation module documentation.
#
# ---------------------------------- Various -----------------------------------
#
# Allow wildcard deletion of indices:
#
#action.destructive_requires_name: false
#
# How often certificates and users are looked at for changes (default 5s):
#
resource.reload.interval.high: 1s
#
# ---------------------------------- Security ----------------------------------
#
xpack.security.enabled: false
"""


def kibana_yml(*, folder: str, port: int, hosts: Sequence[str], name: str = "kibana") -> str:
    """`kibana.yml` of a Kibana beside an unsecured cluster."""
    listed = ", ".join(f'"{host}"' for host in hosts)
    return f"""# For more configuration options see the configuration guide for Kibana in
# https://www.elastic.co/guide/index.html

# =================== System: Kibana Server ===================
# Kibana is served by a back end server. This setting specifies the port to use.
server.port: {port}

# Specifies the address to which the Kibana server will bind. IP addresses and host names are both valid values.
# The default is 'localhost', which usually means remote machines will not be able to connect.
server.host: "127.0.0.1"

# The Kibana server's name. This is used for display purposes.
server.name: "{name}"

# =================== System: Kibana Server (Optional) ===================
# Enables SSL and paths to the PEM-format SSL certificate and SSL key files, respectively.
# These settings enable SSL for outgoing requests from the Kibana server to the browser.
#server.ssl.enabled: false
#server.ssl.certificate: /path/to/your/server.crt
#server.ssl.key: /path/to/your/server.key

# =================== System: Elasticsearch ===================
# The URLs of the Elasticsearch instances to use for all your queries.
elasticsearch.hosts: [{listed}]

# If your Elasticsearch is protected with basic authentication, these settings provide
# the username and password that the Kibana server uses to perform maintenance on the Kibana
# index at startup. Your Kibana users still need to authenticate with Elasticsearch, which
# is proxied through the Kibana server.
#elasticsearch.username: "kibana_system"
#elasticsearch.password: "pass"

# =================== System: Elasticsearch (Optional) ===================
# Enables you to specify a path to the PEM file for the certificate
# authority for your Elasticsearch instance.
#elasticsearch.ssl.certificateAuthorities: [ "/path/to/your/CA.pem" ]

# To disregard the validity of SSL certificates, change this setting's value to 'none'.
#elasticsearch.ssl.verificationMode: full

# How often Kibana asks whether Elasticsearch is there, in milliseconds. Defaults to 2500.
elasticsearch.healthCheck.delay: 1000

# =================== System: Logging ===================
# Set the value of this setting to off to suppress all logging output, or to debug to log everything. Defaults to 'info'
#logging.root.level: debug

# =================== System: Other ===================
# The path where Kibana stores persistent data not saved in Elasticsearch. Defaults to data
path.data: {folder}/data
"""


def metricbeat_yml(*, folder: str, hosts: Sequence[str], kibana: str) -> str:
    """`metricbeat.yml` beside an unsecured cluster; hosts without a scheme, as in the file that packages install."""
    listed = ", ".join(f'"{host}"' for host in hosts)
    return f"""###################### Metricbeat Configuration Example #######################

# This file is an example configuration file highlighting only the most common options.

# =========================== Modules configuration ============================

metricbeat.config.modules:
  # Glob pattern for configuration loading
  path: ${{path.config}}/modules.d/*.yml

  # Set to true to enable config reloading
  reload.enabled: false

# ================================== General ===================================

# The name of the shipper that publishes the network data.
name: "metricbeat"

path.data: {folder}/data

# =================================== Kibana ===================================

setup.kibana:

  # Kibana Host
  # Scheme and port can be left out and will be set to the default (http and 5601)
  {"" if kibana else "#"}host: "{kibana or "localhost:5601"}"

# ---------------------------- Elasticsearch Output ----------------------------
output.elasticsearch:
  # Array of hosts to connect to.
  hosts: [{listed}]

  # Protocol - either `http` (default) or `https`.
  #protocol: "https"

  # Authentication credentials - either API key or username/password.
  #api_key: "id:api_key"
  #username: "elastic"
  #password: "changeme"

# ============================= X-Pack Monitoring ==============================

# Set to true to enable the monitoring reporter.
#monitoring.enabled: false
"""


def elasticsearch_module_yml(hosts: Sequence[str]) -> str:
    """`modules.d/elasticsearch-xpack.yml`, switched on."""
    listed = ", ".join(f'"http://{host}"' for host in hosts)
    return f"""# Module: elasticsearch
- module: elasticsearch
  xpack.enabled: true
  period: 10s
  hosts: [{listed}]
  #username: "user"
  #password: "secret"
"""
