"""The login of a Beat: whether it has one, and the least that its own user needs.

Source: "Grant privileges and roles needed for publishing" and "… for monitoring" (elastic.co, Beats);
elastic-stack-security.md §4.5.
"""

from __future__ import annotations

from estui.decide.beats_paths import MONITORING as MONITORING
from estui.decide.beats_paths import OUTPUT, leads_to_kibana, leads_to_nodes, modules, uses_elasticsearch
from estui.model.observed import Observed, ObservedBeat
from estui.model.plan import GrantLogin, IndexRights

USER, PASSWORD, API_KEY = f"{OUTPUT}.username", f"{OUTPUT}.password", f"{OUTPUT}.api_key"
ENTRY = "ESTUI_PASSWORD"  # - a keystore entry's name: no `:` and no setting's path in it (beats.md §1.1)
REFERENCE = f"${{{ENTRY}}}"
_COLLECTOR = ("remote_monitoring_collector", "remote_monitoring_agent")
"""Built-in roles for Metricbeat's modules of the stack: one reads, the other writes `.monitoring-*`."""
_PIPELINES = ("filebeat", "winlogbeat")
"""They look for the ingest pipelines of their modules."""


def writer(beat: ObservedBeat) -> str:
    """Name of the user and of the role, as the documentation names them: `metricbeat_writer`."""
    return f"{beat.kind}_writer"


def has_login(beat: ObservedBeat, *, fresh: bool) -> bool:
    """Whether the Beat can log in when its cluster is secured. With `fresh` no user has a password yet."""
    if fresh:
        return False
    return API_KEY in beat.settings or (USER in beat.settings and PASSWORD in beat.settings)


def uses_own_user(beat: ObservedBeat) -> bool:
    """Whether estui gave the Beat its login."""
    return beat.setting(USER) == writer(beat) and beat.setting(PASSWORD) == REFERENCE


def monitors(beat: ObservedBeat, observed: Observed) -> bool:
    """Whether the Beat sends figures of its own to this cluster."""
    for prefix in MONITORING:
        if beat.setting(f"{prefix}.enabled") == "true":
            setting = beat.settings.get(f"{prefix}.elasticsearch.hosts")
            return setting is None or all(leads_to_nodes(url, observed) for url in setting.items)
    return False


def collects(beat: ObservedBeat, observed: Observed) -> bool:
    """Whether Metricbeat asks nodes or Kibanas of this cluster for their figures."""
    for _, item, settings in modules(beat, ("elasticsearch", "kibana")):
        found = settings.get(f"{item}.hosts")
        for url in found.items if found else ():
            if leads_to_nodes(url, observed) or leads_to_kibana(url, observed):
                return True
    return False


def grant(beat: ObservedBeat, observed: Observed) -> GrantLogin:
    """The user and role for a Beat. Beats of one kind share both, so the role has what all of them need."""
    mates = [each for each in observed.beats if each.kind == beat.kind and uses_elasticsearch(each)] or [beat]
    rights = [
        IndexRights(
            tuple(dict.fromkeys(_pattern(each) for each in mates)),
            ("auto_configure", "create_doc", "view_index_metadata"),
        )
    ]
    if any(monitors(each, observed) for each in mates):
        rights.append(IndexRights((".monitoring-beats-*",), ("create_index", "create_doc")))
    return GrantLogin(
        target=beat.target,
        user=writer(beat),
        role=writer(beat),
        roles=_COLLECTOR if any(collects(each, observed) for each in mates) else (),
        cluster=("monitor", "read_ilm", *(("read_pipeline",) if beat.kind in _PIPELINES else ())),
        indices=tuple(rights),
        why=f"{beat.kind.capitalize()} may publish its events, and no more",
    )


def _pattern(beat: ObservedBeat) -> str:
    """What the indices of a Beat are called: by default `metricbeat-VERSION`."""
    index = beat.setting(f"{OUTPUT}.index") or ""
    head = index.partition("%{")[0].rstrip("*")
    return f"{head or f'{beat.kind}-'}*"
