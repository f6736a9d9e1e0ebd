"""The report of `estui adopt`, and what an import does, as lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from estui.decide.adoption import TRANSPORT_OF_AUTO_CONFIGURATION
from estui.decide.imports import is_of_others
from estui.model.adoption import (
    AdoptionReport,
    FilePlace,
    Import,
    Outcome,
    ReportedAuthority,
    SignedLeaf,
    UnknownIssuer,
    Unread,
    Use,
    Way,
)
from estui.model.certificate import CertificateFacts
from estui.present.lines import Kind, Line, count
from estui.present.status import left_text

MOST_LEAVES = 12
"""Leaves of one CA that are listed; `--json` has them all."""
FINGERPRINT = 16
"""Digits of a fingerprint that are shown, and that an import takes."""
_KINDS = {
    Way.ROTATE: Kind.GOOD,
    Way.IMPORT: Kind.GOOD,
    Way.RENEW: Kind.WARN,
    Way.BARRED: Kind.BAD,
    Way.CONVERT: Kind.WARN,
    Way.EXTERNAL: Kind.WARN,
    Way.NEW_CA: Kind.WARN,
    Way.NONE: Kind.NOTE,
}
_CONTEXTS = {"server": "to browsers", "elasticsearch": "to Elasticsearch"}


def report_lines(report: AdoptionReport, now: datetime) -> list[Line]:
    """Every CA, what has none, what could not be read."""
    lines = [report_title(report)]
    for each in report.authorities:
        lines += authority_lines(each, now)
    return lines + rest_lines(report, now)


def report_title(report: AdoptionReport) -> Line:
    """How many CAs there are, and whether their keys are at hand."""
    return Line(Kind.TITLE, _headline(report))


def rest_lines(report: AdoptionReport, now: datetime) -> list[Line]:
    """What belongs to no CA that was found: leaves without one, and what could not be read."""
    lines: list[Line] = []
    for unknown in report.unknown:
        lines += _unknown_lines(unknown, now)
    if report.self_signed:
        lines.append(Line(Kind.TITLE, "signed by themselves: no CA, only a new set-up gives them one"))
        lines += _leaf_lines(report.self_signed, now)
    if report.unread:
        lines.append(Line(Kind.TITLE, "not read, or not all of it"))
        lines += [line for each in report.unread for line in _unread_lines(each)]
    if report.passed_over:
        words = count(report.passed_over, "other CA certificate")
        lines.append(Line(Kind.NOTE, f"{words} in files that no yml names: sign nothing and are trusted nowhere here"))
    return lines


def _headline(report: AdoptionReport) -> str:
    if not report.authorities:
        return "no certificate authority found" + (", but leaves" if report.unknown or report.self_signed else "")
    keys = sum(bool(each.keys or each.has_key) for each in report.authorities)
    found = count(len(report.authorities), "certificate authority")
    if len(report.authorities) == 1:
        return f"{found}, its key {'at hand' if keys else 'not here'}"
    return f"{found}, {keys} of them with the key at hand"


def authority_lines(each: ReportedAuthority, now: datetime) -> list[Line]:
    """One CA: what it is, where its key is, whom it signed, who trusts it, what is weak, what is possible."""
    facts = each.certificate
    lines = [
        Line(Kind.TITLE, facts.subject),
        _line("is", f"sha256 {facts.sha256[:FINGERPRINT]}, serial {facts.serial_hex[:FINGERPRINT]}, {facts.key_type}"),
        _line("ends", _ends(facts, now)),
    ]
    if facts.issuer != facts.subject:
        lines.append(_line("issuer", facts.issuer))
    if each.earlier:
        older = ", ".join(f"{one.sha256[:FINGERPRINT]} ends {one.not_after:%Y-%m-%d}" for one in each.earlier)
        lines.append(_line("also as", f"{older} (same name and key)"))
    lines.append(_line("key", _key_text(each)))
    if each.files:
        lines.append(_line("lies in", "; ".join(_places(each.files))))
    lines += _leaf_lines(each.leaves, now)
    lines += [_line("signs", f"CA {subject}") for subject in each.signs]
    lines.append(_line("trusted", f"by {_uses(each.trusted)}" if each.trusted else "nowhere here"))
    lines += [_line("weak", words, Kind.WARN) for words in each.weak]
    lines.append(_line("possible", way_text(each), _KINDS[each.way]))
    return lines


def _line(label: str, text: str, kind: Kind = Kind.TEXT) -> Line:
    return Line(kind, f"  {label:9} {text}")


def _ends(facts: CertificateFacts, now: datetime) -> str:
    return f"{facts.not_after:%Y-%m-%d} ({left_text(facts, now)})"


def _key_text(each: ReportedAuthority) -> str:
    places = [f"in the workspace, as {each.workspace}"] if each.has_key else []
    places += [f"in {place}" for place in _places(each.keys)]
    places += [f"in {name}, a JKS store that estui does not open" for name in each.closed]
    return "; ".join(places) or "not here"


def _places(files: Sequence[FilePlace]) -> list[str]:
    """`certs/http.p12 of es-1, es-2 and es-3`: files of one name stand together."""
    by_name: dict[str, list[str]] = {}
    for file in files:
        by_name.setdefault(file.name, []).extend([file.target] if file.target else [])
    return [f"{name} of {_listed(targets)}" if targets else f"{name}, given" for name, targets in by_name.items()]


def _leaf_lines(leaves: Sequence[SignedLeaf], now: datetime) -> list[Line]:
    ordered = sorted(leaves, key=lambda leaf: (leaf.certificate.not_after, leaf.uses))
    lines = [_line("signed", _leaf_text(leaf, now), _leaf_kind(leaf, now)) for leaf in ordered[:MOST_LEAVES]]
    if len(ordered) > MOST_LEAVES:
        lines.append(_line("", f"and {len(ordered) - MOST_LEAVES} more, which end later (--json has them all)"))
    return lines


def _leaf_kind(leaf: SignedLeaf, now: datetime) -> Kind:
    return Kind.BAD if leaf.certificate.not_after <= now else Kind.TEXT


def _leaf_text(leaf: SignedLeaf, now: datetime) -> str:
    targets = {use.target for use in leaf.uses}
    shared = f", one certificate and key on {len(targets)} targets" if len(targets) > 1 else ""
    return f"{_uses(leaf.uses)}: {leaf.certificate.subject}, ends {_ends(leaf.certificate, now)}{shared}"


def _uses(uses: Iterable[Use]) -> str:
    """`transport of es-1, es-2 and es-3; kibana/kibana to Elasticsearch`."""
    by_context: dict[str, list[str]] = {}
    for use in uses:
        by_context.setdefault(use.context, []).append(use.target)
    parts = []
    for context, targets in by_context.items():
        named = _listed(targets)
        parts.append(f"{named} {_CONTEXTS[context]}" if context in _CONTEXTS else f"{context} of {named}")
    return "; ".join(parts)


def _listed(names: Sequence[str], limit: int = 6) -> str:
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)


def way_text(each: ReportedAuthority) -> str:
    """What can be done with a CA, and by which command."""
    digits = each.certificate.sha256[:FINGERPRINT]
    first = "" if each.has_key else f"estui adopt --import {digits}, then "
    match each.way:
        case Way.ROTATE:
            return f"new leaves from the same CA: it is in the workspace as {each.workspace} (estui rotate)"
        case Way.IMPORT if not each.in_use:
            return f"it signs nothing here, but its key could sign, after: estui adopt --import {digits}"
        case Way.IMPORT:
            return f"new leaves from the same CA, after: estui adopt --import {digits}"
        case Way.RENEW:
            name = each.workspace or "NAME"
            return f"a new certificate for the same key: {first}estui ca renew {name}; or a new CA"
        case Way.BARRED:
            return "only a new CA: this one may not sign"
        case Way.CONVERT:
            return "new leaves from the same CA, once its store is converted and given: estui adopt --import --ca FILE"
        case Way.EXTERNAL:
            return "certificate requests for its owner (estui csr export), or a new CA: its key is not here"
        case Way.NEW_CA if each.certificate.subject == TRANSPORT_OF_AUTO_CONFIGURATION:
            return "only a new CA: Elasticsearch's own set-up kept the key of this one nowhere"
        case Way.NEW_CA:
            return "only a new CA: its key is not here (if it is elsewhere: estui adopt --ca FILE)"
        case Way.NONE:
            return "nothing to do: it signs nothing here"


def way_line(each: ReportedAuthority) -> Line:
    """What can be done with a CA, by how good that is."""
    return Line(_KINDS[each.way], way_text(each))


def _unknown_lines(unknown: UnknownIssuer, now: datetime) -> list[Line]:
    return [
        Line(Kind.TITLE, unknown.subject),
        _line("is", "an issuer whose certificate is in no file here"),
        *_leaf_lines(unknown.leaves, now),
        _line("possible", "certificate requests for its owner (estui csr export), or a new CA", Kind.WARN),
    ]


def _unread_lines(each: Unread) -> list[Line]:
    lines = [Line(Kind.WARN, f"  {each.place}: {each.problem}")]
    return lines + ([Line(Kind.NOTE, f"    {each.hint}")] if each.hint else [])


_OUTCOMES = {
    Outcome.WITH_KEY: (Kind.GOOD, "imported with its key, which is encrypted under the workspace passphrase"),
    Outcome.CERTIFICATE: (Kind.GOOD, "imported as a certificate only: its key is not here, so it signs nothing"),
    Outcome.KEY_ADDED: (Kind.GOOD, "was here without its key, which is imported now"),
    Outcome.THERE: (Kind.NOTE, "is in the workspace already"),
    Outcome.UNUSED: (Kind.NOTE, "left out: it signs nothing and is trusted nowhere here; name it to import it"),
}


_WISHES = {
    Outcome.WITH_KEY: "with its key, which is encrypted under the workspace passphrase",
    Outcome.CERTIFICATE: "as a certificate only: its key is not here, so it signs nothing",
    Outcome.KEY_ADDED: "its key, which the workspace lacks so far",
}


def wish_lines(each: Import) -> list[Line]:
    """What importing a CA would do, before it is done."""
    facts = each.authority.certificate
    words = _WISHES.get(each.outcome)
    if words is None:
        return import_lines([each])
    lines = [
        Line(Kind.TITLE, f"{each.name}: {facts.subject} {facts.sha256[:FINGERPRINT]}"),
        Line(Kind.TEXT, f"comes into the workspace {words}"),
        *_of_others_lines(each),
    ]
    return lines + [Line(Kind.WARN, words) for words in each.authority.weak]


def _of_others_lines(each: Import) -> list[Line]:
    """Why a CA that signs for a layer has not that layer's name."""
    if not is_of_others(each.authority):
        return []
    issuer = each.authority.certificate.issuer
    words = f"called {each.name}, since it is a CA of others: it was issued by {issuer}, and its key is not here"
    return [Line(Kind.NOTE, f"  {words}")]


def import_lines(imports: Sequence[Import]) -> list[Line]:
    """What was imported, under which name, and what was left out."""
    lines = []
    for each in imports:
        kind, words = _OUTCOMES[each.outcome]
        facts = each.authority.certificate
        name = f"{each.name}: " if each.name else ""
        lines.append(Line(kind, f"{name}{facts.subject} {facts.sha256[:FINGERPRINT]} {words}"))
        if {"transport", "http"} <= each.authority.contexts and each.writes:
            lines.append(Line(Kind.NOTE, f"  it signs both layers: one folder, {each.name}, serves both"))
        if each.writes:
            lines += _of_others_lines(each)
            lines += [Line(Kind.WARN, f"  {words}") for words in each.authority.weak]
    if not imports:
        lines.append(Line(Kind.NOTE, "there is no CA to import"))
    return lines
