"""Asks a node why it does not serve new files; what the answers mean is `decide/loading.py`'s."""

from __future__ import annotations

from collections.abc import Callable

from estui.act.peers import Peers
from estui.decide.loading import NodeView, Reason, why_not_loaded
from estui.errors import EstuiError
from estui.model.inventory import Layer
from estui.observe.es_api import listed_certificates
from estui.observe.http import Client

ClientFor = Callable[[str], Client]
"""A client of a node with whatever credentials are at hand."""


def explain(peers: Peers, client_for: ClientFor, target: str, layer: Layer) -> Reason:
    """Why a layer of a node is not loaded, as far as it can be told."""
    return why_not_loaded(peers.read_node(target), layer, node_view(client_for, target))


def node_view(client_for: ClientFor, target: str) -> NodeView:
    """What the node sees of its own files. Never raises: who cannot be asked is told in the view."""
    try:
        with client_for(target) as client:
            if not client.authenticates:
                return NodeView(error="no credentials at hand", asked=False)
            files, error = listed_certificates(client)
    except EstuiError as problem:
        return NodeView(error=problem.summary, asked=False)
    return NodeView(files, error)
