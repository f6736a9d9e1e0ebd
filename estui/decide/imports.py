"""What an import of found CAs does: which ones, under which names, with or without a key, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

from estui.decide.admission import is_root
from estui.decide.authorities import split_name
from estui.errors import CertificateError, Location, UsageError
from estui.model.adoption import AdoptionReport, FoundFile, Import, Outcome, ReportedAuthority, UnknownIssuer
from estui.model.observed import AuthorityFacts

OTHER = "other"
"""Name of a CA that signs no leaf here: the numbers of a layer are for those that sign it, and their successors."""
CORPORATE = "corporate"
PKI_REALM = "realm/pki/"
_FAMILIES = (("transport", ("transport",)), ("http", ("http", "server")), ("client", ("elasticsearch",)))
"""Name by the contexts whose leaves a CA signs; the first that fits counts, so that a CA of both layers is
`transport`."""
_FINGERPRINT = re.compile(r"^[0-9a-f]{4,64}$")


def check_given(found: Sequence[FoundFile], report: AdoptionReport) -> None:
    """Raises CertificateError: a given file holds a key that belongs to no CA certificate here."""
    known = {each.certificate.key_sha256 for each in report.authorities}
    for file in found:
        if file.given and any(key not in known for key in file.keys):
            raise CertificateError(
                "its private key belongs to no CA certificate that was given or found",
                location=Location(file.path),
                hint="give the certificate of this very key too: --ca CERTIFICATE KEY",
            )


def plan_import(
    report: AdoptionReport, authorities: Sequence[AuthorityFacts], selectors: Sequence[str] = ()
) -> tuple[Import, ...]:
    """What importing does with each CA that was asked for, or with all of them; in the order of the report.

    Raises UsageError: a selector that fits no CA or several; CertificateError: one without the CA flag was asked for.
    """
    chosen = [_selected(report, selector) for selector in selectors] if selectors else list(report.authorities)
    taken = {each.name for each in authorities}
    made: list[Import] = []
    for each in dict.fromkeys(chosen):
        if not each.certificate.is_ca:
            if selectors:
                raise CertificateError(
                    f"{each.certificate.subject} has no CA flag (BasicConstraints)", hint="only a new CA helps"
                )
            continue
        outcome = _outcome(each, bool(selectors))
        name = each.workspace or (free_name(base_name(each), taken) if outcome is not Outcome.UNUSED else "")
        taken.add(name)
        made.append(Import(each, name, outcome))
    return tuple(made)


def _outcome(each: ReportedAuthority, asked_for: bool) -> Outcome:
    if each.workspace:
        return Outcome.KEY_ADDED if each.keys and not each.has_key else Outcome.THERE
    if not (each.in_use or each.given or asked_for):
        return Outcome.UNUSED
    return Outcome.WITH_KEY if each.keys else Outcome.CERTIFICATE


def base_name(each: ReportedAuthority) -> str:
    """`transport`, `http` or `client` by the leaves that a CA signs; `other` where it signs none that is seen here.

    A CA that a PKI realm trusts signs the leaves of clients, which are elsewhere. One of others is `corporate`.
    """
    if is_of_others(each):
        return CORPORATE
    if not each.leaves and any(use.context.startswith(PKI_REALM) for use in each.trusted):
        return "client"
    return next((name for name, contexts in _FAMILIES if each.contexts & set(contexts)), OTHER)


def is_of_others(each: ReportedAuthority) -> bool:
    """Whether a CA that signs leaves here is plainly none of this cluster's own: it hangs below another one, and its
    key is not here. Under the name of a layer it would be taken for a CA of estui's whose key was lost."""
    return bool(each.leaves) and not each.keys and not each.has_key and not is_root(each.certificate)


def free_name(base: str, taken: set[str]) -> str:
    """The name, or the first number behind those of its family."""
    if base not in taken:
        return base
    return f"{base}-{max(split_name(name)[1] for name in taken if split_name(name)[0] == base) + 1}"


def _selected(report: AdoptionReport, selector: str) -> ReportedAuthority:
    """The CA that a fingerprint or subject means."""
    fits = [each for each in report.authorities if _fits(each, selector)]
    if len(fits) == 1:
        return fits[0]
    listed = "; ".join(
        f"{each.certificate.sha256[:16]} {each.certificate.subject}" for each in fits or report.authorities
    )
    if fits:
        raise UsageError(f"{selector} means {len(fits)} CAs", hint=f"name one by its fingerprint: {listed}")
    unknown: Sequence[UnknownIssuer] = [each for each in report.unknown if each.subject == selector]
    if unknown:
        raise UsageError(f"the certificate of {selector} is in no file here", hint="give it with --ca FILE")
    raise UsageError(f"no CA here is {selector}", hint=f"there are: {listed}" if listed else "give it with --ca FILE")


def _fits(each: ReportedAuthority, selector: str) -> bool:
    digits = selector.lower().replace(":", "")
    if _FINGERPRINT.match(digits) and any(
        facts.sha256.startswith(digits) for facts in (each.certificate, *each.earlier)
    ):
        return True
    subject = each.certificate.subject.lower()
    return selector.lower() in (subject, subject.removeprefix("cn="))
