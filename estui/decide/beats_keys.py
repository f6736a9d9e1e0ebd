"""An API key in the place of a Beat's user and password, where the inventory wants one (`login: api_key`).

It is made through the API of a secured cluster, over HTTPS, so a Beat of a cluster that is just being secured gets its
user first and its key with the next plan. Modules keep the user: before 8.11 they know no key.
Source: "Create API key", "Grant access using API keys" (elastic.co, Beats).
"""

from __future__ import annotations

from estui.decide.beats_https import drop, put
from estui.decide.beats_rights import API_KEY, PASSWORD, USER, grant
from estui.decide.rung import has_tls
from estui.model.inventory import BeatLogin, Layer
from estui.model.observed import Observed, ObservedBeat, ObservedNode
from estui.model.plan import Change, IssueKey

ENTRY = "ESTUI_API_KEY"
REFERENCE = f"${{{ENTRY}}}"


def has_key(beat: ObservedBeat) -> bool:
    """Whether estui gave the Beat its key."""
    return beat.setting(API_KEY) == REFERENCE and ENTRY in beat.keystore.names


def is_wanted(beat: ObservedBeat) -> bool:
    """Whether the Beat is to get a key, and has none yet."""
    return beat.entry.login is BeatLogin.API_KEY and not has_key(beat)


def asked_node(observed: Observed) -> ObservedNode | None:
    """The node through which keys are made: one where somebody is logged in."""
    return next((node for node in observed.nodes if node.api.reachable and node.api.authenticated_as), None)


def is_due(beat: ObservedBeat, observed: Observed) -> bool:
    """Whether it is time for the key: a key would travel in clear before every node speaks HTTPS."""
    return is_wanted(beat) and all(has_tls(node, Layer.HTTP) for node in observed.nodes)


def refusals(beat: ObservedBeat, observed: Observed) -> list[str]:
    """Why no key can be made, where it is time for it."""
    if asked_node(observed) is not None:
        return []
    return [
        f"{beat.target}: its API key is made by somebody who may manage security, and nobody is let in: give --user "
        "NAME --password-file FILE, or the workspace passphrase"
    ]


def settings_changes(beat: ObservedBeat) -> list[Change]:
    """The output logs in with the key. Its value is the caller's matter."""
    why = "one of both only: the API key takes their place"
    found = put(beat, beat.yml, beat.settings, API_KEY, REFERENCE, "taken from the Beat's keystore")
    for key in (USER, PASSWORD):
        found += drop(beat, beat.yml, beat.settings, key, why)
    return found


def issue(beat: ObservedBeat, observed: Observed) -> IssueKey | None:
    """The key, with the rights that the Beat's own user would have; None where nobody can make it."""
    node = asked_node(observed)
    if node is None:
        return None
    rights = grant(beat, observed)
    name = "estui-" + "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in beat.name)[:100]
    why = f"{beat.kind.capitalize()} may publish its events, and no more; no password has to be changed anywhere"
    return IssueKey(beat.target, node.target, name, rights.cluster, rights.indices, why)
