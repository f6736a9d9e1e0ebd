"""Whether passwords may go over plain HTTP: to this host, or where the operator agreed to it for this run.

Owns the question. It is asked before anything of a run is written, and the answer is in the run's first record, so
that a run that waits for days needs it once.
"""

from __future__ import annotations

from estui.act.context import Context
from estui.act.journal import BEGIN, Journal
from estui.decide.findings.view import is_loopback
from estui.errors import UsageError
from estui.model.inventory import Address
from estui.model.plan import FirstLogin

FIELD = "plain_http"
"""In the first record of a run."""
_SHOWN = 8


class PlainHttpError(UsageError):
    """Passwords would go over plain HTTP to another host, and nobody agreed to it."""


def was_agreed(journal: Journal) -> bool:
    """Whether the run's first record says so."""
    return any(record.fields.get(FIELD) is True for record in journal.find(BEGIN))


def may_send_plain(context: Context, address: Address) -> bool:
    """Whether a login may be sent over plain HTTP to this address."""
    return is_loopback(address.host) or context.plain_http


def sends_login(context: Context) -> bool:
    """Whether the run has a login to send, or makes one."""
    makes_one = any(isinstance(change, FirstLogin) for change in context.plan.changes)
    return makes_one or bool(context.credentials or context.passwords)


def refused(places: list[str]) -> PlainHttpError:
    """The refusal, with the nodes that it is about."""
    more = [f"and {len(places) - _SHOWN} more"] if len(places) > _SHOWN else []
    return PlainHttpError(
        "passwords would go over plain HTTP, where anyone on the network can read them",
        reasons=(*places[:_SHOWN], *more),
        hint="give --plain-http if the network between may see them; `estui plan https` needs none of this",
    )
