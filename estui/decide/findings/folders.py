"""Rules about folders and ymls that cannot be used at all: seen by `observe`, explained here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from estui.decide.findings.rule import ALL, Facts, Hit, Rule, Text
from estui.model.finding import Severity


def _seen(rule: str) -> Callable[[Facts], Iterator[Hit]]:
    """The problems of this name that were met while looking."""

    def check(facts: Facts) -> Iterator[Hit]:
        observed = facts.observed
        met = (each.problems for things in (observed.nodes, observed.kibana, observed.beats) for each in things)
        for problem in (problem for problems in met for problem in problems):
            if problem.rule == rule:
                yield Hit(problem.target, problem.summary, problem.where, problem.hint)

    return check


def _rule(name: str, severity: Severity, title: str, happens: str, to_do: str, source: str) -> Rule:
    return Text(name, severity, title, happens, to_do, source, ALL).rule(_seen(name), title)


_MOUNT = "the folder as this host sees it"
RULES = (
    _rule(
        "folder-missing",
        Severity.FATAL,
        "a configuration folder does not exist",
        "estui can neither read nor plan anything for it",
        "mount it, or correct the path",
        _MOUNT,
    ),
    _rule(
        "folder-unreadable",
        Severity.FATAL,
        "a configuration folder cannot be read",
        "estui can neither read nor plan anything for it",
        "let this user read it, or look at its mount",
        _MOUNT,
    ),
    _rule(
        "folder-not-a-folder",
        Severity.FATAL,
        "what is named is a file",
        "estui can neither read nor plan anything for it",
        "name the folder that holds the yml",
        _MOUNT,
    ),
    _rule(
        "yml-missing",
        Severity.FATAL,
        "the folder has no yml of its product",
        "the product starts with defaults only, or not at all",
        "name the folder that holds the yml",
        _MOUNT,
    ),
    _rule(
        "yml-broken",
        Severity.FATAL,
        "the yml cannot be read: tabs, a setting that is set twice (flat and nested), or no YAML",
        "Elasticsearch refuses to start: Failed to load settings from [elasticsearch.yml]",
        "mend the line that is named",
        "seen on Elasticsearch 9.1.0 and 8.19.0: [10:23] Duplicate field 'xpack.security.enabled'",
    ),
    _rule(
        "keystore-locked",
        Severity.NOTE,
        "the secure settings are protected by a password",
        "the node needs that password at each start; without it nothing in the keystore could be checked here",
        "give it with --keystore-password-file FILE",
        "elasticsearch-keystore; a wrong one stops the start: Provided keystore password was incorrect",
    ),
    _rule(
        "keystore-unreadable",
        Severity.FATAL,
        "the secure settings cannot be read: damaged, of another format, or not readable",
        "Elasticsearch refuses to start if it cannot read them either",
        "restore the file from a copy, or make a new one with elasticsearch-keystore create",
        "KeyStoreWrapper, formats 3 to 7: format is too new, format is too old, checksum failed",
    ),
    _rule(
        "kibana-keystore-in-data",
        Severity.ERROR,
        "kibana.keystore lies in the data folder",
        "Kibana prefers it to the one in the configuration folder, which is then never read",
        "move it into the configuration folder",
        "Kibana, getKeystore: an existing file in the data folder wins",
    ),
)
