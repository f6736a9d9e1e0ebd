"""All rules together: each with texts and a test, the worst finding first, a healthy cluster clean."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import tests.unit.decide.findings as package
from estui.decide.findings.registry import MODULES, RULES, all_findings, stands_out
from estui.decide.findings.rule import FROM_8, Rule, Versions
from estui.formats.es_keystore import write_secure_settings
from estui.model.finding import Severity
from estui.model.goal import Goal, Scenario
from estui.model.inventory import BeatEntry, Inventory, KibanaEntry, NodeEntry, StoreFormat
from estui.model.version import Version
from estui.observe.cluster import observe
from tests.unit.decide.findings.builders import NOW, V7, V8, V9, Case, fire, kibana, node, seen
from tests.unit.decide.samples import IV, SALT, STORES, YMLS, Lab


def every_case() -> list[Case]:
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    ]
    return [case for module in modules for case in getattr(module, "CASES", [])]


def test_every_rule_is_listed_once_and_has_a_test_that_fires_and_one_that_is_silent() -> None:
    written = [name for module in MODULES for name, value in vars(module).items() if isinstance(value, Rule)]
    listed = [rule for module in MODULES for rule in module.RULES]
    assert len({rule.id for rule in listed}) == len(listed) == len(RULES)
    assert len(written) + len(next(module for module in MODULES if module.__name__.endswith("folders")).RULES) == len(
        listed
    )
    assert sorted(case.rule for case in every_case()) == sorted(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_can_be_read_by_itself(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    for text in (rule.title, rule.what_happens, rule.what_to_do, rule.source, rule.versions.text):
        assert text
        assert text == text.strip()
        assert not text.endswith(".")
    assert "elasticsearch.yml" not in rule.id


def test_the_worst_comes_first() -> None:
    found = all_findings(seen(node("xpack.security.enabled: maybe\nbootstrap.password: x")), NOW)
    order = list(Severity)
    assert [order.index(each.severity) for each in found] == sorted(order.index(each.severity) for each in found)
    assert stands_out(found)


@pytest.mark.parametrize("version", [V7, V8, V9, None])
@pytest.mark.parametrize(
    "yml", ["elasticsearch-7.17.yml", "elasticsearch-8.yml", "elasticsearch-9.yml", "elasticsearch-docker.yml"]
)
def test_a_stock_yml_gives_nothing_above_a_note(yml: str, version: Version | None, tmp_path: Path) -> None:
    (tmp_path / "elasticsearch.yml").write_bytes((YMLS / yml).read_bytes())
    observed = observe(Inventory("", (NodeEntry(str(tmp_path), version=version),)), digest_key=b"k", network=False)
    assert not stands_out(all_findings(observed, NOW))


def test_stock_clients_give_nothing_above_a_note(tmp_path: Path) -> None:
    for name in ("kibana", "metricbeat"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.yml").write_bytes((YMLS / f"{name}.yml").read_bytes())
        (tmp_path / name / f"{name}.yml").chmod(0o600)
    inventory = Inventory(
        "",
        (),
        kibana=(KibanaEntry(str(tmp_path / "kibana")),),
        beats=(BeatEntry(str(tmp_path / "metricbeat"), kind="metricbeat"),),
    )
    assert not stands_out(all_findings(observe(inventory, digest_key=b"k", network=False), NOW))


def auto_configured(folder: Path) -> None:
    """A node that set itself up, with the passwords of its stores in its keystore."""
    certs = folder / "certs"
    certs.mkdir()
    for store in (STORES / "auto-configured").iterdir():
        (certs / store.name).write_bytes(store.read_bytes())
        (certs / store.name).chmod(0o660)
    (folder / "elasticsearch.yml").write_bytes((YMLS / "elasticsearch-8-auto-configured.yml").read_bytes())
    names = ("transport.ssl.keystore", "transport.ssl.truststore", "http.ssl.keystore")
    entries = {f"xpack.security.{name}.secure_password": b"auto-pass" for name in names}
    content = write_secure_settings(
        entries | {"keystore.seed": b"s" * 20, "autoconfiguration.password_hash": b"x"},
        version=5,
        password=None,
        salt=SALT,
        iv=IV,
    )
    (folder / "elasticsearch.keystore").write_bytes(content)
    (folder / "elasticsearch.keystore").chmod(0o660)


def test_a_node_that_set_itself_up_gives_nothing_above_a_note(tmp_path: Path) -> None:
    auto_configured(tmp_path)
    observed = observe(Inventory("", (NodeEntry(str(tmp_path)),)), digest_key=b"k", network=False)
    found = all_findings(observed, NOW)
    assert [each for each in found if each.severity is not Severity.NOTE] == []
    assert {"tls-authority-key-in-keystore", "transport-store-trusts-itself"} <= {each.rule for each in found}


@pytest.mark.parametrize("format_", StoreFormat)
def test_what_estui_writes_gives_nothing_above_a_note(format_: StoreFormat, tmp_path: Path) -> None:
    lab = Lab(tmp_path).three("discovery.seed_hosts: [127.0.0.1:9301]")
    hosts = ", ".join(f'"http://127.0.0.1:920{number}"' for number in (1, 2, 3))
    lab.with_kibana(f"elasticsearch.hosts: [{hosts}]\n", on_host="/etc/kibana")
    lab.apply(lab.plan(Goal(Scenario.HTTPS, format=format_)))
    found = all_findings(lab.look(), lab.now)
    assert [each for each in found if each.severity is not Severity.NOTE] == []


def test_versions_are_ranges_and_the_unknown_counts_as_the_newest() -> None:
    assert FROM_8.include(None)
    assert FROM_8.include(Version(10))
    assert not FROM_8.include(V7)
    range_ = Versions(since=Version(8, 0), before=Version(9, 0))
    assert [range_.include(each) for each in (V7, V8, V9)] == [False, True, False]
    assert range_.text == "8.0 to before 9.0"


def test_what_is_found_tells_the_effect_and_what_to_do() -> None:
    (found,) = fire("kibana-user-elastic", seen(kibana("elasticsearch.username: elastic")))
    assert found.title == RULES["kibana-user-elastic"].title
    assert "refuse to start" in found.effect
    assert found.where == "/mnt/kibana/kibana.yml:1: elasticsearch.username"
