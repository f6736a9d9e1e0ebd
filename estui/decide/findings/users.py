"""Rules about the file realm: `users`, `users_roles` and `service_tokens`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from estui.decide.findings.rule import Facts, Hit, Text, about_cluster, about_node
from estui.decide.findings.view import NODE_YML, at_file, listed, read_like_yml
from estui.errors import StoreError
from estui.formats.file_realm import ITERATIONS, parse_users, parse_users_roles
from estui.model.finding import Severity
from estui.model.observed import ObservedNode

USERS, USERS_ROLES, TOKENS = "users", "users_roles", "service_tokens"
TEMPORARY = "estui-tmp-"
"""Names of the temporary superusers that a run makes (design: first login)."""
RESERVED = ("elastic", "kibana", "kibana_system", "logstash_system", "beats_system", "apm_system")
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}")
_PREFIXES = ("{SSHA256}", "{SHA}", "{MD5}")
_PBKDF2 = re.compile(r"\{PBKDF2(?:_STRETCH)?\}(\d+)\$[^$]+\$[^$]+")


def _content(node: ObservedNode, name: str) -> bytes:
    state = node.files.get(name)
    return state.content if state is not None and not state.error else b""


def _users(node: ObservedNode) -> dict[str, str]:
    """Users of the file, none where it cannot be read."""
    try:
        return parse_users(_content(node, USERS))
    except StoreError:
        return {}


def _roles(node: ObservedNode) -> dict[str, tuple[str, ...]]:
    try:
        return parse_users_roles(_content(node, USERS_ROLES))
    except StoreError:
        return {}


def _at_line(node: ObservedNode, name: str, wanted: Callable[[str], bool]) -> str:
    lines = _content(node, name).decode(errors="replace").splitlines()
    number = next((number for number, line in enumerate(lines, 1) if wanted(line)), None)
    path = at_file(node, name)
    return f"{path}:{number}" if number else path


def _at_user(node: ObservedNode, user: str) -> str:
    return _at_line(node, USERS, lambda line: line.strip().startswith(f"{user}:"))


def hash_kind(stored: str) -> str:
    """`known`, `refused` (a hash that no version can check), or `clear` for a password in clear text."""
    if _BCRYPT.fullmatch(stored) or stored.startswith(_PREFIXES):
        return "known"
    pbkdf2 = _PBKDF2.fullmatch(stored)
    if pbkdf2:
        return "known" if int(pbkdf2.group(1)) in ITERATIONS else "refused"
    return "refused" if stored.startswith(("$2", "{")) else "clear"


@about_node(
    Text(
        "users-clear-text",
        Severity.ERROR,
        "a password in clear text in the users file",
        "Elasticsearch accepts it: text without a known prefix is compared as it stands",
        "elasticsearch-users passwd NAME",
        "Hasher.NOOP; seen on Elasticsearch 9.1.0",
    )
)
def users_clear_text(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for user, stored in _users(node).items():
        if hash_kind(stored) == "clear":
            hint = f"elasticsearch-users passwd {user}"
            yield Hit(node.target, f"the password of {user} stands in clear text", _at_user(node, user), hint)


@about_node(
    Text(
        "users-hash-refused",
        Severity.WARNING,
        "a password hash that Elasticsearch cannot check",
        "the user cannot log in: unknown hash function",
        "elasticsearch-users passwd NAME",
        "Hasher: PBKDF2 with 1000, 10000, 50000, 100000, 500000 or 1000000 iterations, bcrypt 4 to 14",
    )
)
def users_hash_refused(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for user, stored in _users(node).items():
        if hash_kind(stored) == "refused":
            yield Hit(node.target, f"the hash of {user} is of no known kind", _at_user(node, user))


@about_node(
    Text(
        "users-temporary-left",
        Severity.ERROR,
        "a temporary superuser of estui is still there",
        "Elasticsearch lets in whoever knows its password, as superuser; nobody does once the run's process has ended",
        "finish or undo the run (estui runbook show), or remove its line from users and users_roles",
        "a run removes it before it ends",
    )
)
def users_temporary_left(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    in_roles = {user for users in _roles(node).values() for user in users}
    for user in sorted({*_users(node), *in_roles}):
        if user.startswith(TEMPORARY):
            where = _at_user(node, user) if user in _users(node) else at_file(node, USERS_ROLES)
            yield Hit(node.target, f"{user} is in {USERS if user in _users(node) else USERS_ROLES}", where)


@about_node(
    Text(
        "users-reserved-name",
        Severity.WARNING,
        "a built-in user in the users file",
        "Elasticsearch skips the line and logs an error; the built-in user has another password",
        "remove the line; set the password with elasticsearch-reset-password -u NAME",
        "FileUserPasswdStore, ReservedRealm",
    )
)
def users_reserved_name(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for user in _users(node):
        if user in RESERVED or user == "remote_monitoring_user":
            yield Hit(node.target, f"{user} is a built-in user", _at_user(node, user))


@about_node(
    Text(
        "users-line-skipped",
        Severity.WARNING,
        "a line of the users file that means nothing",
        "Elasticsearch skips it and logs: invalid entry in users file",
        "remove the line; blank lines count too",
        "FileUserPasswdStore.parseFile",
    )
)
def users_line_skipped(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    known = _users(node)
    for number, line in enumerate(_content(node, USERS).decode(errors="replace").splitlines(), 1):
        name, colon, stored = line.strip().partition(":")
        if line.startswith("#") or (colon and stored and name in known):
            continue
        shown = f"{name}:..." if colon else "a line without a colon" if line.strip() else "a blank line"
        yield Hit(node.target, f"{shown} is skipped", f"{at_file(node, USERS)}:{number}")


@about_node(
    Text(
        "users-not-text",
        Severity.ERROR,
        "a file of the file realm that is not UTF-8",
        "Elasticsearch drops every user of the file",
        "write it as UTF-8; names are ASCII anyway",
        "FileUserPasswdStore.parseFileLenient",
    )
)
def users_not_text(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for name, parse in ((USERS, parse_users), (USERS_ROLES, parse_users_roles)):
        try:
            parse(_content(node, name), name)
        except StoreError as exc:
            yield Hit(node.target, f"{name} {exc.summary}", at_file(node, str(exc.location or name)))


@about_node(
    Text(
        "users-without-role",
        Severity.NOTE,
        "a user of the users file has no role",
        "the user can log in and may do nothing: 403",
        "elasticsearch-users roles NAME -a ROLE, or remove the user",
        "FileUserRolesStore",
    )
)
def users_without_role(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    in_roles = {user for users in _roles(node).values() for user in users}
    for user in _users(node):
        if user not in in_roles and user not in RESERVED:
            yield Hit(node.target, f"{user} has no role", _at_user(node, user))


@about_node(
    Text(
        "users-owner",
        Severity.WARNING,
        "a file of the file realm that Elasticsearch can hardly read",
        "Elasticsearch goes on without its users, with a line in the log; elasticsearch-users run as root does this",
        "give it the owner, group and mode of elasticsearch.yml",
        "elasticsearch-users (elastic.co documentation)",
    )
)
def users_owner(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    yml = node.files.get(NODE_YML)
    for name in (USERS, USERS_ROLES, TOKENS):
        state = node.files.get(name)
        if yml is None or state is None or not state.exists or not state.mode:
            continue
        if not read_like_yml(yml, state.mode, state.uid, state.gid):
            summary = f"{name} is {state.mode:04o} {state.uid}:{state.gid}, elasticsearch.yml {yml.uid}:{yml.gid}"
            yield Hit(node.target, summary, at_file(node, name))


def _names_apart(facts: Facts, names: Callable[[ObservedNode], set[str]]) -> Iterator[tuple[str, list[ObservedNode]]]:
    """Names that some nodes have and others lack, with the nodes that lack them."""
    have = {node.target: names(node) for node in facts.nodes}
    for name in sorted(set().union(*have.values()) if have else set()):
        lacking = [node for node in facts.nodes if name not in have[node.target]]
        if lacking and not name.startswith(TEMPORARY):
            yield name, lacking


@about_cluster(
    Text(
        "users-differ",
        Severity.WARNING,
        "a user of the file realm that is not on every node",
        "the user can log in on some nodes only: the files are not replicated",
        "copy the lines of users and users_roles to the nodes that lack them",
        "file realm (elastic.co documentation)",
    )
)
def users_differ(facts: Facts) -> Iterator[Hit]:
    for user, lacking in _names_apart(facts, lambda node: set(_users(node))):
        summary = f"{user} is missing on {listed(node.target for node in lacking)}"
        yield Hit(lacking[0].target, summary, at_file(lacking[0], USERS))


def _token_names(node: ObservedNode) -> set[str]:
    lines = _content(node, TOKENS).decode(errors="replace").splitlines()
    return {line.partition(":")[0].strip() for line in lines if ":" in line and not line.startswith("#")}


@about_cluster(
    Text(
        "service-tokens-differ",
        Severity.WARNING,
        "a service token in a file that is not on every node",
        "the service can log in on some nodes only: the files are not replicated",
        "copy the line of service_tokens to the nodes that lack it, or use a token of the API",
        "service accounts (elastic.co documentation)",
    )
)
def service_tokens_differ(facts: Facts) -> Iterator[Hit]:
    for token, lacking in _names_apart(facts, _token_names):
        summary = f"{token} is missing on {listed(node.target for node in lacking)}"
        yield Hit(lacking[0].target, summary, at_file(lacking[0], TOKENS))


RULES = (
    users_clear_text,
    users_hash_refused,
    users_temporary_left,
    users_reserved_name,
    users_line_skipped,
    users_not_text,
    users_without_role,
    users_owner,
    users_differ,
    service_tokens_differ,
)
