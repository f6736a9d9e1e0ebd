"""What a Beat needs so that it goes on sending when its cluster is secured: a login of its own, HTTPS, the CA.

Its secrets go into its keystore, as `${NAME}` in the yml. By default that lies in the data folder, where estui writes
nothing: an absolute `keystore.path` in the configuration folder takes its place, with every entry that it held.
"""

from __future__ import annotations

from collections.abc import Mapping

from estui.decide import beats_keys, scenarios
from estui.decide.beats_https import TRUST_SET as TRUST_SET
from estui.decide.beats_https import drop, http_authority, https_changes, pins, put
from estui.decide.beats_names import names_used
from estui.decide.beats_paths import (
    OUTPUT,
    folder_on_host,
    keystore_file,
    leads_to_kibana,
    leads_to_nodes,
    modules,
    on_host,
    urls,
    uses_elasticsearch,
)
from estui.decide.beats_rights import (
    API_KEY,
    ENTRY,
    MONITORING,
    REFERENCE,
    collects,
    grant,
    has_login,
    monitors,
    uses_own_user,
    writer,
)
from estui.model.goal import Goal
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedBeat, OnDisk
from estui.model.plan import Change, SetSecureSetting
from estui.model.setting import Setting

KEYSTORE_PATH = "keystore.path"
WHY_RESTART = "a Beat reads its files at start only"
CARRIED = "carried"
"""Kind of a secret's placeholder: the value that the same entry has in the data folder's keystore."""


def touched(observed: Observed, goal: Goal) -> tuple[ObservedBeat, ...]:
    """Beats that the goal covers."""
    return tuple(
        beat for beat in observed.beats if (not goal.only or beat.target in goal.only) and uses_elasticsearch(beat)
    )


def refusals(observed: Observed, goal: Goal) -> list[str]:
    """Beats that cannot be planned for."""
    names = [beat.target for beat in observed.beats]
    reasons = [
        f"several Beats are called {name}: tell them apart by `name:` in estui.yaml"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if reasons:
        return reasons
    fresh, https = scenarios.is_fresh(observed), scenarios.signs_http(observed, goal)
    for beat in touched(observed, goal):
        if beat.problems:
            reasons += [f"{beat.target}: {problem.summary}" for problem in beat.problems]
            continue
        logs_in = has_login(beat, fresh=fresh)
        if (https or not logs_in or beats_keys.is_wanted(beat)) and folder_on_host(beat) is None:
            reasons.append(
                f"{beat.target}: a Beat wants absolute paths, and its folder as its own host sees it is unknown; "
                "write `on_host:` for it into estui.yaml"
            )
        keyed = _makes_key(beat, observed)
        reasons += [] if logs_in and not keyed else _keystore_refusals(beat)
        reasons += beats_keys.refusals(beat, observed) if keyed else []
        reasons += _https_refusals(beat, observed) if https else []
    return reasons


def _keystore_refusals(beat: ObservedBeat) -> list[str]:
    found, stated = beat.keystore, beat.setting(KEYSTORE_PATH)
    if found.present and not found.opened:
        return [f"{beat.target}: its keystore cannot be read: {found.error}"]
    if stated and beat.keystore_in_data and not found.present:
        return [
            f"{beat.target}: keystore.path leads to {stated}, which estui does not see; let it lead into the "
            "configuration folder, or write `data:` into estui.yaml where it lies there"
        ]
    own = (ENTRY, beats_keys.ENTRY)
    names = dict.fromkeys(f"${{{name}}}" for name, _, _ in names_used(beat) if name not in own)
    unknown = () if beat.entry.data or stated else tuple(names)
    if unknown:
        return [
            f"{beat.target}: {', '.join(unknown)} may come from a keystore in its data folder, which estui does not "
            "see and would replace; mount that folder and write `data:` into estui.yaml"
        ]
    return []


def _https_refusals(beat: ObservedBeat, observed: Observed) -> list[str]:
    reasons = []
    named = urls(beat)
    if any("${" in url for url in named):
        reasons.append(
            f"{beat.target}: {OUTPUT}.hosts is taken from the environment, which estui cannot change; write the hosts "
            f"into {beat.yml}"
        )
    if any("@" in url for url in named):
        reasons.append(
            f"{beat.target}: {OUTPUT}.hosts holds a login; take it out, estui writes the user and its password where "
            "they belong"
        )
    return reasons + (_pin_refusals(beat, observed) if pins(beat) else [])


def _pin_refusals(beat: ObservedBeat, observed: Observed) -> list[str]:
    """A pin works for Beats that know it, of a CA that is there, and that the nodes send along (beats.md §2)."""
    if beat.version is None:
        return [f"{beat.target}: trust: fingerprint is ignored by Beats 7.17; write `version:` into estui.yaml"]
    if beat.version.major < 8:
        return [f"{beat.target}: Beats {beat.version} ignore ca_trusted_fingerprint; leave out `trust:`"]
    authority = http_authority(observed)
    if authority is None:
        return [
            f"{beat.target}: there is no HTTP CA yet whose fingerprint could be pinned; estui ca create http first, "
            "or leave out `trust:`"
        ]
    if beat.setting(f"{OUTPUT}.ssl.verification_mode") == "strict":
        return [f"{beat.target}: verification_mode strict does not look at a pinned fingerprint; leave out `trust:`"]
    alone = [
        node.target
        for node in observed.nodes
        if (disk := node.disk.get(Layer.HTTP, OnDisk())).enabled
        and disk.chain
        and not any(facts.is_ca for facts in (*disk.chain[1:], *node.port(Layer.HTTP).chain[1:]))
    ]
    if alone:
        return [
            f"{beat.target}: {', '.join(alone)} send their leaf without a CA, so that no fingerprint could match; "
            "leave out `trust:`"
        ]
    return []


def changes(beat: ObservedBeat, observed: Observed, goal: Goal) -> list[Change]:
    """Everything for one Beat; empty where it is set up."""
    fresh = scenarios.is_fresh(observed)
    if _makes_key(beat, observed):
        found = _key_changes(beat, observed)
    else:
        found = [] if has_login(beat, fresh=fresh) else _login_changes(beat, observed)
    if scenarios.signs_http(observed, goal):
        found += https_changes(beat, observed, goal)
    return found


def _login_changes(beat: ObservedBeat, observed: Observed) -> list[Change]:
    """The Beat's own user: its name in the yml, its password in the keystore."""
    yml, settings, user = beat.yml, beat.settings, writer(beat)
    why = "its own user, which may publish and no more"
    found: list[Change] = [grant(beat, observed)]
    found += entry_changes(beat, ENTRY, f"password:{user}", f"password of {user}, kept out of the yml")
    found += drop(beat, yml, settings, API_KEY, "gave no access to a cluster without users")
    found += _login_in(beat, yml, settings, OUTPUT, why)
    if monitors(beat, observed):
        for prefix in MONITORING:
            section = f"{prefix}.elasticsearch"
            if any(key.startswith(f"{section}.") for key in settings):
                found += _login_in(beat, yml, settings, section, why)
    for path, item, own in modules(beat, ("elasticsearch", "kibana")):
        setting = own.get(f"{item}.hosts")
        named = setting.items if setting else ()
        if any(leads_to_nodes(url, observed) or leads_to_kibana(url, observed) for url in named):
            found += _login_in(beat, path, own, item, f"{user} may read the figures of the stack")
    return found


def _makes_key(beat: ObservedBeat, observed: Observed) -> bool:
    """Whether the Beat gets its API key now; one whose modules need a user gets that first."""
    fresh = scenarios.is_fresh(observed)
    logs_in = has_login(beat, fresh=fresh)
    return not fresh and beats_keys.is_due(beat, observed) and (logs_in or not collects(beat, observed))


def _key_changes(beat: ObservedBeat, observed: Observed) -> list[Change]:
    """The Beat's own API key: its name in the yml, its value in the keystore."""
    issue = beats_keys.issue(beat, observed)
    if issue is None:
        return []
    why = f"API key of {beat.target}, kept out of the yml"
    entry = entry_changes(beat, beats_keys.ENTRY, f"api-key:{beat.target}", why)
    return [issue, *entry, *beats_keys.settings_changes(beat)]


def _login_in(beat: ObservedBeat, path: str, settings: Mapping[str, Setting], section: str, why: str) -> list[Change]:
    return [
        *put(beat, path, settings, f"{section}.username", writer(beat), why),
        *put(beat, path, settings, f"{section}.password", REFERENCE, "taken from the Beat's keystore"),
    ]


def entry_changes(beat: ObservedBeat, entry: str, secret: str, reason: str) -> list[Change]:
    """An entry of the keystore, which comes beside the yml with all that it holds, where it lies elsewhere."""
    file = keystore_file(beat)
    moves = beat.keystore_in_data or beat.setting(KEYSTORE_PATH) is None
    found: list[Change] = []
    if moves:
        why = "the data folder is left alone, so the keystore lies beside the yml"
        found += put(beat, beat.yml, beat.settings, KEYSTORE_PATH, on_host(folder_on_host(beat) or "", file), why)
        found += [
            SetSecureSetting(beat.target, file, name, f"{CARRIED}:{name}", False, "as in the keystore of before")
            for name in beat.keystore.names
            if name != entry
        ]
    there = entry in beat.keystore.names and not moves
    return [*found, SetSecureSetting(beat.target, file, entry, secret, there, reason)]


def notes(beat: ObservedBeat, observed: Observed) -> list[str]:
    """What the operator should know about a Beat that is changed."""
    found = []
    if not beat.entry.on_host:
        found.append(f"{beat.target}: its folder on its own host is taken to be {folder_on_host(beat)}")
    if uses_own_user(beat) or not has_login(beat, fresh=scenarios.is_fresh(observed)):
        found.append(
            f"{beat.target}: {writer(beat)} may not load templates, policies or dashboards; where they are not there "
            f"yet, run `{beat.kind} setup` with a user who may"
        )
    if beats_keys.is_wanted(beat) and not _makes_key(beat, observed):
        found.append(f"{beat.target} gets its API key with the next plan over HTTPS, and a user until then")
    found += [f"{beat.target}: {name} of its keystore does not arrive as it is: {why}" for name, why in beat.altered]
    tmp = beat.files.get(f"{keystore_file(beat)}.tmp")
    if tmp is not None and tmp.exists:
        found.append(
            f"{beat.target}: {keystore_file(beat)}.tmp is left over; the Beat's own `keystore add` would take over its "
            "mode, remove it"
        )
    return found


def notes_of(observed: Observed, goal: Goal, planned: list[Change]) -> list[str]:
    """Notes of every Beat: those that the plan changes, and those that it leaves."""
    targets = {getattr(change, "target", "") for change in planned}
    found = [note for beat in touched(observed, goal) if beat.target in targets for note in notes(beat, observed)]
    return found + left_out(observed, goal)


def left_out(observed: Observed, goal: Goal) -> list[str]:
    """Beats of the inventory that a plan leaves as they are, with the reason."""
    there = touched(observed, goal)
    return [
        f"{beat.target} is left as it is: "
        + ("it does not send to Elasticsearch itself" if not uses_elasticsearch(beat) else "it is not in --only")
        for beat in observed.beats
        if beat not in there
    ]
