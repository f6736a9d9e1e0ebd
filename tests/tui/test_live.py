"""The screen stays live while nodes are asked that are dead or hang: keys go through, and what was there stays."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

from estui.model.inventory import Layer
from estui.model.observed import Observed, PortState
from estui.tui.jobs import ARRIVALS_S
from tests.tui.builders import many
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import WAIT_S, FakeEngine

DEAD, HANGING = range(5), range(5, 10)


def crowd() -> Observed:
    """50 nodes of which 5 refuse and 5 hang."""
    made = many(50)
    nodes = list(made.nodes)
    for numbers, state in ((DEAD, PortState.REFUSED), (HANGING, PortState.TIMED_OUT)):
        for number in numbers:
            served = {layer: replace(nodes[number].port(layer), state=state, chain=()) for layer in Layer}
            nodes[number] = replace(nodes[number], served=served)
    return replace(made, nodes=tuple(nodes))


class Slow(FakeEngine):
    """Its second look takes until it is let go."""

    def __init__(self) -> None:
        super().__init__(many(50))
        self.asked = 0
        self.answer = threading.Event()

    def observe(self, **options: Any) -> Observed:
        self.asked += 1
        if self.asked > 1:
            assert self.answer.wait(WAIT_S), "the test never let the look end"
            self.now_observed = crowd()
        return super().observe(**options)


async def test_keys_go_through_while_fifty_nodes_are_asked_and_each_is_asked_once() -> None:
    engine = Slow()
    async with at_the_screen(engine) as user:
        await user.do("cluster.probe")
        await user.until(lambda: engine.asked == 2, "the second look")
        assert user.session.reading
        try:
            await user.do("move.end")
            assert "node-0049" in user.rows("node-list")
            await user.do("nodes.open")
            assert "folder /etc/node-0049" in user.screen
            await user.press("escape")
            await user.do("app.help")
            assert "In nodes" in user.screen
            await user.press("escape")
        finally:
            engine.answer.set()
        await user.ready()
        rows = user.main.view("node-list").rows
        assert sum("refused" in row.text for row in rows) == len(DEAD)
        assert sum("timed out" in row.text for row in rows) == len(HANGING)
        assert engine.asked == 2


class Arriving(FakeEngine):
    """Its first look tells of one node, and goes on until it is let go."""

    def __init__(self) -> None:
        super().__init__(many(50))
        self.answer = threading.Event()

    def observe(self, **options: Any) -> Observed:
        if not self.answer.is_set():
            time.sleep(2 * ARRIVALS_S)  # so long nothing is drawn again
            options["told"](self.now_observed.nodes[1])
            assert self.answer.wait(WAIT_S), "the test never let the look end"
        return super().observe(**options)


async def test_the_first_look_shows_the_inventory_at_once_and_each_node_as_it_arrives() -> None:
    """Nothing can be chosen there before the picture is whole: no rule was held against half of it."""
    engine = Arriving()
    async with at_the_screen(engine, ready=False) as user:

        def line_of(name: str) -> str:
            return next(line for line in user.rows("node-list").splitlines() if name in line)

        try:
            await user.until(lambda: "node-0000" in user.rows("node-list"), "the inventory")
            assert user.rows("node-list").count("not looked yet") >= 5
            await user.until(lambda: "not looked yet" not in line_of("node-0001"), "the first node")
            assert "not looked yet" in line_of("node-0002")
            assert user.session.observed is None
            await user.do("nodes.open")
            assert user.dialog == ""
        finally:
            engine.answer.set()
        await user.until(lambda: user.session.observed is not None, "the whole look")
        assert "not looked yet" not in user.rows("node-list")
