"""Each difference between desired, on disk and served gets its name from its own evidence, and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from estui.decide.views import Named, version_note, views_of
from estui.model.certificate import CertificateFacts
from estui.model.goal import Scenario
from estui.model.image import Image
from estui.model.inventory import Address, KeyType, Layer
from estui.model.observed import (
    ApiFacts,
    FileState,
    Member,
    Observed,
    ObservedNode,
    OnDisk,
    PortState,
    SeenFile,
    Served,
)
from estui.model.plan import AuthorityRequest, LeafRequest
from estui.model.version import Version
from estui.model.views import Desired, DesiredFile, DesiredLeaf, DesiredSetting, Difference
from estui.pki.facts import certificate_facts
from tests.unit.decide.by_hand import one_layer
from tests.unit.decide.samples import NOW, Lab, make_authority, node_yml

ADDRESS = Address("127.0.0.1", 9301)
HOUR = 3600.0


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return one_layer(Lab(tmp_path))


def another_leaf(lab: Lab, authority: str = "transport") -> CertificateFacts:
    if authority not in lab.authorities:
        lab.authorities[authority] = make_authority(AuthorityRequest(authority, f"{authority} CA", KeyType.EC_P256, 30))
    names = (("es-1",), ("127.0.0.1",), ("serverAuth",), KeyType.EC_P256, 30)
    _, leaf, _ = lab.issue(LeafRequest("es-1", "transport", authority, "es-1", *names))
    return certificate_facts(leaf)


def aged(node: ObservedNode, *, yml_s: float, certificate_s: float) -> ObservedNode:
    """The node with files changed so many seconds ago."""

    def at(name: str, state: FileState) -> FileState:
        seconds = yml_s if name == "elasticsearch.yml" else certificate_s
        return replace(state, changed_s=NOW.timestamp() - seconds)

    return replace(node, files={name: at(name, state) for name, state in node.files.items()})


def serving(
    lab: Lab,
    leaf: CertificateFacts | None = None,
    *,
    state: PortState = PortState.TLS,
    started_s: float | None = None,
    yml_s: float = 48 * HOUR,
    certificate_s: float = HOUR,
    **api: object,
) -> Observed:
    """The lab's node with that transport port, started so many seconds ago."""
    observed = lab.look(up=False)
    (node,) = observed.nodes
    started = int((NOW.timestamp() - started_s) * 1000) if started_s is not None else 0
    served = Served(ADDRESS, state, "told", chain=(leaf,) if leaf else ())
    facts = ApiFacts(True, name="es-1", members=(Member("es-1", started_ms=started),), **api)  # type: ignore[arg-type]
    node = replace(node, served={Layer.TRANSPORT: served}, api=facts)
    return replace(observed, nodes=(aged(node, yml_s=yml_s, certificate_s=certificate_s),))


def disk(observed: Observed) -> OnDisk:
    return observed.nodes[0].disk[Layer.TRANSPORT]


def named(observed: Observed) -> list[Named]:
    (view,) = views_of(observed, NOW)
    return list(view.named)


def names(observed: Observed) -> list[Difference]:
    return [each.difference for each in named(observed)]


def own(lab: Lab) -> CertificateFacts:
    leaf = disk(lab.look(up=False)).leaf
    assert leaf
    return leaf


def listing(lab: Lab, *, serial: int) -> tuple[SeenFile, ...]:
    return (SeenFile("certs/t.crt", serial, True), SeenFile("certs/ca.crt", 7))


# served against disk


def test_what_is_served_as_on_disk_differs_in_nothing(lab: Lab) -> None:
    assert names(serving(lab, own(lab))) == []


@pytest.mark.parametrize("state", [PortState.REFUSED, PortState.TIMED_OUT, PortState.UNREACHABLE, PortState.SILENT])
def test_a_port_that_does_not_answer_is_unreachable_with_the_word_for_how(lab: Lab, state: PortState) -> None:
    (found,) = named(serving(lab, state=state))
    assert found.difference is Difference.UNREACHABLE
    assert found.evidence == (f"{ADDRESS} {state.value}: told",)


def test_a_port_that_nobody_asked_has_no_difference(lab: Lab) -> None:
    assert names(serving(lab, state=PortState.NOT_ASKED)) == []


def test_plain_text_where_the_yml_has_tls_names_file_and_line(lab: Lab) -> None:
    (found,) = named(serving(lab, state=PortState.PLAIN))
    assert found.difference is Difference.PLAIN_TEXT
    assert any("elasticsearch.yml:7: xpack.security.transport.ssl.enabled" in each for each in found.evidence)
    assert "either it was not restarted" in found.evidence[-1]


def test_plain_text_of_a_node_started_after_its_yml_changed_is_set_elsewhere(lab: Lab) -> None:
    found = names(serving(lab, state=PortState.PLAIN, started_s=HOUR, yml_s=2 * HOUR))
    assert found == [Difference.PLAIN_TEXT, Difference.ELSEWHERE]


def test_plain_text_of_a_node_started_before_its_yml_changed_waits_for_a_restart(lab: Lab) -> None:
    (found,) = named(serving(lab, state=PortState.PLAIN, started_s=3 * HOUR, yml_s=2 * HOUR))
    assert found.difference is Difference.PLAIN_TEXT
    assert "it waits for a restart" in found.evidence[-1]


def test_tls_that_the_yml_does_not_have_is_told(lab: Lab) -> None:
    leaf = own(lab)
    lab.put("es-1", "elasticsearch.yml", lab.yml("es-1").replace("ssl.enabled: true", "ssl.enabled: false").encode())
    assert names(serving(lab, leaf)) == [Difference.NOT_LOADED]
    assert names(serving(lab, leaf, started_s=HOUR)) == [Difference.ELSEWHERE]


def test_a_certificate_of_a_ca_that_nobody_here_knows_is_foreign(lab: Lab) -> None:
    leaf = another_leaf(lab, "stranger")
    del lab.authorities["stranger"]
    (found,) = named(serving(lab, leaf))
    assert found.difference is Difference.FOREIGN
    assert "CN=stranger CA" in found.evidence[-1]


def test_a_ca_that_only_has_the_name_of_a_known_one_is_foreign(lab: Lab) -> None:
    real = lab.authorities["transport"]
    lab.authorities["transport"] = make_authority(AuthorityRequest("transport", "Elastic CA", KeyType.EC_P256, 30))
    leaf = another_leaf(lab)
    lab.authorities["transport"] = real
    assert names(serving(lab, leaf)) == [Difference.FOREIGN]


def test_a_leaf_of_the_same_ca_that_was_just_replaced_is_not_loaded(lab: Lab) -> None:
    (found,) = named(serving(lab, another_leaf(lab), certificate_s=4))
    assert found.difference is Difference.NOT_LOADED
    assert "its files changed 4 s ago" in found.evidence


def test_a_node_that_had_the_time_to_load_a_good_pair_reads_another_folder(lab: Lab) -> None:
    (found,) = named(serving(lab, another_leaf(lab), certificate_s=HOUR))
    assert found.difference is Difference.STALE_MOUNT
    assert any("hot reload is on" in each for each in found.evidence)


@pytest.mark.parametrize("why", ["reload off", "yml changed with it", "wrong key", "restart pending"])
def test_whatever_else_explains_it_keeps_the_mount_out_of_suspicion(lab: Lab, why: str) -> None:
    if why == "reload off":
        lab.put("es-1", "elasticsearch.yml", (lab.yml("es-1") + "resource.reload.enabled: false\n").encode())
    yml_s = HOUR if why == "yml changed with it" else 48 * HOUR
    started = 60 * HOUR if why == "restart pending" else None
    observed = serving(lab, another_leaf(lab), yml_s=yml_s, started_s=started)
    if why == "wrong key":
        (node,) = observed.nodes
        node = replace(node, disk={**node.disk, Layer.TRANSPORT: replace(disk(observed), key_sha256="0")})
        observed = replace(observed, nodes=(node,))
    assert names(observed) == [Difference.NOT_LOADED]


def test_the_nodes_own_list_proves_a_stale_mount_at_once(lab: Lab) -> None:
    observed = serving(lab, another_leaf(lab), certificate_s=1, listed=listing(lab, serial=0xABC))
    (found,) = named(observed)
    assert found.difference is Difference.STALE_MOUNT
    assert any("reads serial abc" in each for each in found.evidence)


def test_a_node_that_sees_the_new_file_is_not_behind_a_stale_mount(lab: Lab) -> None:
    observed = serving(lab, another_leaf(lab), listed=listing(lab, serial=own(lab).serial))
    assert names(observed) == [Difference.NOT_LOADED]


def test_security_against_the_yml_is_told_with_its_line(lab: Lab) -> None:
    found = named(serving(lab, own(lab), secured=False, started_s=HOUR))
    assert [each.difference for each in found] == [Difference.ELSEWHERE]
    assert "xpack.security.enabled" in found[0].evidence[1]
    assert any("settings_elsewhere" in each for each in found[0].evidence)


# disk against desired


def desired(lab: Lab, **changed: object) -> Desired:
    """What a run left: the folder as it is, but for what is changed."""
    observed = lab.look(up=False)
    (node,) = observed.nodes
    yml, leaf = node.files["elasticsearch.yml"], own(lab)
    root = node.entry.config
    file = DesiredFile(
        root, "elasticsearch.yml", Image("file", yml.sha256, mode=yml.mode, uid=yml.uid, gid=yml.gid), "run-1"
    )
    wanted = DesiredLeaf(root, "transport", "transport", leaf.serial_hex, leaf.sha256, "2027-01-01", "run-1")
    return replace(Desired("run-1", "basic", ("transport",), (wanted,), (file,)), **changed)  # type: ignore[arg-type]


def test_a_folder_as_the_run_left_it_has_no_drift(lab: Lab) -> None:
    assert names(replace(serving(lab, own(lab)), desired=desired(lab))) == []


def test_a_file_changed_since_is_drift_with_the_setting_and_its_line(lab: Lab) -> None:
    before = desired(lab)
    root = before.files[0].root
    setting = DesiredSetting(root, "elasticsearch.yml", "xpack.security.transport.ssl.enabled", "true", "run-1")
    leaf = own(lab)
    lab.put("es-1", "elasticsearch.yml", lab.yml("es-1").replace("ssl.enabled: true", "ssl.enabled: false").encode())
    observed = replace(serving(lab, leaf, state=PortState.NOT_ASKED), desired=replace(before, settings=(setting,)))
    found = [each for each in named(observed) if each.where.endswith("elasticsearch.yml")]
    assert [each.difference for each in found] == [Difference.DRIFT]
    assert (
        "elasticsearch.yml:7: xpack.security.transport.ssl.enabled: is false, run run-1 set it to true"
        in (found[0].evidence[-1])
    )


def test_a_setting_that_is_stated_from_outside_says_nothing_of_what_the_yml_has(lab: Lab) -> None:
    """What is in force is what was stated: the line in the yml may be as it was, or not."""
    before = desired(lab)
    root = before.files[0].root
    keys = ("xpack.security.transport.ssl.enabled", "xpack.security.enabled")
    settings = tuple(DesiredSetting(root, "elasticsearch.yml", key, "true", "run-1") for key in keys)
    leaf = own(lab)
    lab.put("es-1", "elasticsearch.yml", lab.yml("es-1").replace("ssl.enabled: true", "ssl.enabled: false").encode())
    observed = replace(serving(lab, leaf, state=PortState.NOT_ASKED), desired=replace(before, settings=settings))
    (node,) = observed.nodes
    stated = replace(node.settings[keys[0]], value=True, source="docker-compose.yml")
    observed = replace(observed, nodes=(replace(node, settings={**node.settings, keys[0]: stated}),))
    (found,) = [each for each in named(observed) if each.where.endswith("elasticsearch.yml")]
    assert found.evidence[-1] == (
        "settings that runs wrote into it: 1 as they left them, 1 set outside it as well, and not compared"
    )


@pytest.mark.parametrize(("waiting", "name"), [(False, Difference.DRIFT), (True, Difference.PENDING)])
def test_a_leaf_that_is_not_the_runs_is_drift_and_one_that_waits_is_pending(
    lab: Lab, waiting: bool, name: Difference
) -> None:
    wanted = desired(lab)
    other = replace(wanted.leaves[0], sha256="0" * 64, serial="beef", waiting=waiting)
    observed = replace(serving(lab, own(lab)), desired=replace(wanted, leaves=(other,)))
    (found,) = named(observed)
    assert found.difference is name
    assert any("serial beef" in each for each in found.evidence)


def test_a_file_that_a_run_has_ready_is_pending(lab: Lab) -> None:
    wanted = desired(lab)
    file = replace(wanted.files[0], image=Image("file", "0" * 64), waiting=True, run="run-2")
    observed = replace(serving(lab, own(lab)), desired=replace(wanted, files=(file,)))
    (found,) = named(observed)
    assert (found.difference, found.evidence[1]) == (Difference.PENDING, "run run-2 has it ready")


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"mode": 0o777}, "mode 0660, not 0777"), ({"uid": 4321}, "owner"), ({"kind": "absent"}, "should not be")],
)
def test_owner_mode_and_presence_count_too(lab: Lab, changed: dict[str, object], words: str) -> None:
    wanted = desired(lab)
    file = replace(wanted.files[0], image=replace(wanted.files[0].image, **changed))  # type: ignore[arg-type]
    (found,) = named(replace(serving(lab, own(lab)), desired=replace(wanted, files=(file,))))
    assert found.difference is Difference.DRIFT
    assert words in found.evidence[0]


def test_kibana_and_beats_stand_beside_the_nodes(lab: Lab) -> None:
    lab.with_kibana("server.name: kb\nserver.ssl.enabled: true\n").with_beat("output.elasticsearch.hosts: [a]\n")
    observed = serving(lab, own(lab))
    refused = Served(Address("127.0.0.1", 5601), PortState.PLAIN)
    observed = replace(observed, kibana=tuple(replace(each, served=refused) for each in observed.kibana))
    views = {view.target: [each.difference for each in view.named] for view in views_of(observed, NOW)}
    assert views == {"es-1": [], "kibana/kibana-1": [Difference.PLAIN_TEXT], "beat/config": []}


# versions


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (Version(9, 1, 0), ""),
        (Version(9, 1, 7), ""),
        (Version(8, 19, 0), ""),
        (Version(9, 4, 0), "newer than any that is known: treated as 9.1"),
        (Version(10), "newer than any that is known: treated as 9.1"),
        (None, "unknown: treated as 9.1, the newest that is known"),
    ],
)
def test_a_version_that_is_newer_or_unknown_is_treated_as_the_newest(
    lab: Lab, version: Version | None, words: str
) -> None:
    assert version_note(replace(lab.look(up=False).nodes[0], version=version)) == words


def test_a_newer_release_is_planned_for_like_the_newest_known(tmp_path: Path) -> None:
    plans = []
    for version in (Version(9, 1), Version(11, 2)):
        lab = Lab(tmp_path / str(version), version).node("es-1", node_yml("es-1", security=""))
        plans.append(lab.plan(Scenario.BASIC))
    assert [type(change) for change in plans[0].changes] == [type(change) for change in plans[1].changes]
