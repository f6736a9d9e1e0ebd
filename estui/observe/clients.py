"""Who connects to the cluster: clients of its HTTP layer and remote clusters, as the nodes themselves tell.

Source: "Nodes stats API" (`http.clients`, kept for closed connections for `http.client_stats.closed_channels.max_age`),
"Remote cluster info API".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from estui.errors import ProbeError
from estui.model.rollover import SEEN
from estui.model.rollover import Client as Listed
from estui.observe.es_api import as_mapping, mapping_in, number_in, reason, text_in
from estui.observe.http import USER_AGENT, Client

_HTTP = "/_nodes/stats/http?filter_path=nodes.*.http.clients"
_REMOTE = "/_remote/info"


def http_clients(client: Client) -> tuple[Listed, ...]:
    """Everyone who sent requests to any node lately, once for each address and agent; estui itself is left out.

    Raises ProbeError: no answer, or a refusal.
    """
    last: dict[tuple[str, str], int] = {}
    for each in _connections(_ask(client, _HTTP)):
        agent = text_in(each, "agent") or "no agent named"
        if agent.startswith(USER_AGENT.split("/")[0] + "/"):
            continue
        key = (_host(text_in(each, "remote_address")), agent)
        last[key] = max(last.get(key, 0), number_in(each, "last_request_time_millis"))
    return tuple(
        Listed(f"{SEEN}{host} {agent}", f"{host} ({agent}) talks to the HTTP layer", _time(millis))
        for (host, agent), millis in sorted(last.items())
    )


def remote_clusters(client: Client) -> tuple[Listed, ...]:
    """Remote clusters that this one connects to. Certificate-based links rest on mutual trust of the transport CAs.

    Raises ProbeError: no answer, or a refusal.
    """
    return tuple(
        Listed(f"remote {name}", f"remote cluster {name}: {_link(as_mapping(info))}")
        for name, info in sorted(_ask(client, _REMOTE).items())
    )


def _link(info: Mapping[str, object]) -> str:
    state = "connected" if info.get("connected") is True else "not connected"
    # An API key travels over the remote cluster server's own TLS context (cross-cluster API keys, 8.14).
    by = "an API key" if text_in(info, "cluster_credentials") else "certificates: its nodes have to trust the new CA"
    return f"{state}, by {by}"


def _ask(client: Client, path: str) -> Mapping[str, object]:
    answer = client.request("GET", path)
    if answer.status != 200:
        raise ProbeError(reason(answer))
    return as_mapping(answer.json())


def _connections(body: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for node in mapping_in(body, "nodes").values():
        listed = mapping_in(as_mapping(node), "http").get("clients")
        for each in listed if isinstance(listed, list) else []:
            yield as_mapping(each)


def _host(address: str) -> str:
    """Address without the port, which is another one for every connection."""
    return address.rpartition(":")[0].strip("[]") or address or "unknown address"


def _time(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if millis > 0 else ""


def newest_connection(client: Client) -> int:
    """When the newest connection to any node was opened, by the nodes' own clocks, in milliseconds since the epoch;
    that of the question itself as a rule, and 0 where nodes do not keep such figures (before 7.13).

    Raises ProbeError: no answer, or a refusal.
    """
    return max((number_in(each, "opened_time_millis") for each in _connections(_ask(client, _HTTP))), default=0)


def connected_since(client: Client, word: str, millis: int) -> str:
    """In words, a connection opened after `millis` whose agent names `word`; empty where there is none.

    Beats name themselves: `Elastic-Metricbeat/8.19.0 (linux; amd64; …)`. Raises ProbeError: no answer, or a refusal.
    """
    for each in _connections(_ask(client, _HTTP)):
        opened, agent = number_in(each, "opened_time_millis"), text_in(each, "agent")
        if opened > millis and word.lower() in agent.lower():
            return f"{_host(text_in(each, 'remote_address'))} ({agent}) connected anew at {_time(opened)}"
    return ""
