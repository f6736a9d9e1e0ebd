"""Calls that change a running cluster: allocation, flush, passwords."""

from __future__ import annotations

from collections.abc import Mapping

from estui.errors import ApplyError, ProbeError
from estui.observe import es_api
from estui.observe.http import Client
from estui.secret import Secret

ALLOCATION = "cluster.routing.allocation.enable"


def set_allocation(client: Client, values: Mapping[str, str | None]) -> None:
    """Who may be allocated shards, by the scope of the setting: `primaries` before a restart, None for not set.

    Raises ProbeError where the cluster does not acknowledge. Source: elastic-stack-security.md §3.
    """
    body = {scope: {ALLOCATION: value} for scope, value in values.items()}
    answer = client.request("PUT", "/_cluster/settings", body, timeout_s=30.0)
    if answer.status != 200:
        raise ProbeError(f"allocation was not changed: {es_api.reason(answer)}")


def flush(client: Client) -> None:
    """Writes what is only in the transaction log, so that shards come back sooner.

    A flush that did not reach every shard is no failure: it only saves time.
    """
    answer = client.request("POST", "/_flush", timeout_s=60.0)
    if answer.status != 200:
        raise ProbeError(f"flush failed: {es_api.reason(answer)}")


def reload_secure_settings(client: Client, keystore_password: Secret | None) -> None:
    """A node reads its own `elasticsearch.keystore` again and takes up what can be changed while it runs.

    Only this node is asked (`_local`): the password of its keystore goes to nobody else, which Elasticsearch refuses
    without transport TLS. Raises ApplyError where it cannot open the file or does not know an entry, ProbeError where
    nobody answers. Source: API "Reload secure settings"; elastic-stack-security.md §6.9.
    """
    body = {"secure_settings_password": keystore_password.reveal()} if keystore_password else None
    answer = client.request("POST", "/_nodes/_local/reload_secure_settings", body, timeout_s=30.0)
    if answer.status != 200:
        raise ApplyError(f"secure settings were not read again: {es_api.reason(answer)}", hint="estui rollback")
    for node in es_api.mapping_in(es_api.as_mapping(answer.json()), "nodes").values():
        told = es_api.mapping_in(es_api.as_mapping(node), "reload_exception")
        if told:
            name, reason = es_api.text_in(es_api.as_mapping(node), "name"), es_api.text_in(told, "reason")
            raise ApplyError(f"{name} refuses its secure settings: {reason}", hint="estui rollback")


def set_password(client: Client, user: str, password: Secret) -> None:
    """Sets a built-in or native user's password.

    Raises ApplyError where it is refused (too short, unknown user), ProbeError where nobody answers.
    Source: security API "Change passwords".
    """
    answer = client.request(
        "POST", f"/_security/user/{user}/_password", {"password": password.reveal()}, timeout_s=30.0
    )
    if answer.status != 200:
        raise ApplyError(f"the password of {user} was not set: {es_api.reason(answer)}", hint="estui runbook resume")
