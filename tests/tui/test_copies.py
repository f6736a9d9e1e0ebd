"""The copy menu of a target: every probe can be repeated by hand, whatever came of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.probing import commands
from estui.model.inventory import Address, Layer
from estui.model.observed import PortState, Served
from estui.tui.copies import target_copies
from tests.unit.decide.findings.builders import facts, kibana, node, seen

PORT = Address("127.0.0.1", 9300)
PORTS = [
    Served(PORT, PortState.TLS, chain=(facts("es-1"),)),
    Served(PORT, PortState.PLAIN, "HTTP without TLS"),
    Served(PORT, PortState.REFUSED, "connection refused"),
    Served(PORT, PortState.TIMED_OUT, "accepted, but no answer within 3 s"),
]


@pytest.mark.parametrize("served", PORTS, ids=lambda served: served.state.value)
def test_the_command_of_each_probe_can_be_copied(served: Served) -> None:
    """The very ones that `estui probe` prints: for a port that is closed or hangs too."""
    wanted = set(commands(served, "127.0.0.1"))
    assert wanted
    one = replace(node(""), served={Layer.TRANSPORT: served})
    assert wanted <= {copy.value for copy in target_copies(seen(one), "es-1")}
    browser = kibana(served=served)
    assert wanted <= {copy.value for copy in target_copies(seen(browser), browser.target)}
