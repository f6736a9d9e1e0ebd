"""Owns who is in the cluster: which nodes reach each other both ways, who is master, and how the state spreads.

A node counts as linked when our connection to it and its connection to us are both open: with TLS that takes both
handshakes. Nodes tell each other a *card* (who they are, whom they follow, what state they have). The master is the
linked node with the newest state, then the lowest name, of those that a majority of the voting configuration would
follow. Sockets are `transport`, the content of the state is `state`.
"""

from __future__ import annotations

import copy
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from estui.sandbox.log import NodeLog
from estui.sandbox.state import SECURITY_INDEX, Json, allocate, apply_operation, new_state, with_own_indices
from estui.sandbox.stored import derived_uuid, random_uuid, read_stored, write_stored

_COORDINATOR = "o.e.c.c.Coordinator"
_ELECTION_GRACE = 1.5  # seconds in which the others must have followed
_WRITE_PATIENCE = 2.0
_BOOTSTRAP_DELAY = 0.2  # a node with nothing configured waits for others (3 s in Elasticsearch)


class NoMasterError(Exception):
    """The node has no master: what needs one answers 503."""


@dataclass
class _Peer:
    card: Json
    outgoing: list[int] = field(default_factory=list)
    """Epochs in which our open connections to it began."""
    incoming: int = 0

    def is_linked(self, epoch: int) -> bool:
        return epoch in self.outgoing and self.incoming > 0


@dataclass(frozen=True)
class Profile:
    """What does not change about a node while it runs."""

    name: str
    cluster: str
    eligible: bool
    data: bool
    security: bool
    single_node: bool
    initial_masters: tuple[str, ...]
    discovery_configured: bool
    facts: Json
    """For `_nodes` and `_cat/nodes`: addresses, roles, start time."""
    seeds: tuple[str, ...] = ()
    """Seed hosts as configured: what all nodes of a new cluster have in common."""


class Membership:
    """The node's view of its cluster. Every method may be called from any thread."""

    def __init__(self, profile: Profile, folder: Path, log: NodeLog) -> None:
        self._profile = profile
        self._folder = folder
        self._log = log
        self._stored = read_stored(folder)
        self._recovered = False  # whether the state is known since this start
        self._peers: dict[str, _Peer] = {}
        self._changed = threading.Condition(threading.RLock())
        self._generation = 0
        self._master: str | None = None
        self._elected_at = 0.0
        self._has_quorum = False
        self._term_seen = self._stored.term
        self._members: dict[str, Json] = {}
        self._started = time.monotonic()
        self.epoch = 0
        """Raised when the master is lost: connections of an older epoch are closed, discovery starts afresh."""

    @property
    def node_id(self) -> str:
        return self._stored.node_id

    @property
    def joined(self) -> bool:
        """Whether the node has a master and is a member of its cluster."""
        with self._changed:
            return self._master is not None and self.node_id in self._members

    @property
    def uuid(self) -> str:
        """Cluster UUID, `_na_` before the node has joined since its start, as in `GET /`."""
        with self._changed:
            return (self._stored.uuid or "_na_") if self._recovered else "_na_"

    @property
    def master(self) -> str | None:
        with self._changed:
            return self._master if self.joined else None

    def members(self) -> dict[str, Json]:
        """Cards of the cluster's nodes by id; only the node itself where it has no master."""
        with self._changed:
            return dict(self._members) if self.joined else {self.node_id: self._own_card()}

    def data_nodes(self) -> list[str]:
        with self._changed:
            return sorted(key for key, card in self._members.items() if card["data"])

    def state(self) -> Json:
        """The state as the node knows it; an empty one until it has joined for the first time since its start."""
        with self._changed:
            return self._stored.state if self._recovered else new_state()

    def addresses(self) -> list[tuple[str, int]]:
        """Transport addresses of every node heard of."""
        with self._changed:
            cards = [peer.card for peer in self._peers.values()] + list(self._members.values())
            found = [tuple(card["facts"]["transport"]) for card in cards if card["id"] != self.node_id]
            return list(dict.fromkeys(found))

    def card(self, for_peer: str | None = None) -> Json:
        """What the node tells a peer; the state comes along where it is due to that peer."""
        with self._changed:
            card = self._own_card()
            if self._master == self.node_id:
                card["members"] = list(self._members.values())
                peer = self._peers.get(for_peer or "")
                # A candidate that nobody followed has the same stamp as the master, but no cluster yet.
                if peer and (peer.card["stamp"] != card["stamp"] or peer.card["uuid"] != card["uuid"]):
                    card["state"], card["voters"] = self._stored.state, self._stored.voters
            return card

    def refusal(self, card: Json) -> str:
        """Why a peer is no peer, or the empty text."""
        if card["cluster"] != self._profile.cluster:
            theirs, ours = card["cluster"], self._profile.cluster
            return f"handshake failed: remote cluster name [{theirs}] does not match local cluster name [{ours}]"
        if card["security"] != self._profile.security:
            return "missing authentication credentials for action [internal:cluster/coordination/join]"
        if self._profile.single_node or card["single_node"]:
            return "cannot join node with [discovery.type] set to [single-node] to a different node"
        mine = self._stored.uuid
        if card["uuid"] and mine and card["uuid"] != mine:
            return (
                f"This node previously joined a cluster with UUID [{mine}] and is now trying to join [{card['uuid']}]"
            )
        return ""

    def hear(self, card: Json, *, incoming: bool = False, outgoing: int | None = None) -> None:
        """Takes in a peer's card. A new connection is told by its direction, ours with the epoch of its beginning."""
        with self._changed:
            peer = self._peers.setdefault(card["id"], _Peer(card))
            slim = {key: value for key, value in card.items() if key not in ("state", "voters")}
            moved = peer.card != slim or incoming or outgoing is not None
            peer.card = slim
            peer.incoming += incoming
            if outgoing is not None:
                peer.outgoing.append(outgoing)
            self._term_seen = max(self._term_seen, card["term"])
            if card["id"] == self._master and card["master"] == card["id"]:
                self._take_state(card)
            if moved:
                self.evaluate()
                self._changed.notify_all()  # whoever waits for the followers to have a state

    def lose_incoming(self, node_id: str) -> None:
        """A connection from a peer has closed."""
        with self._changed:
            self._peers[node_id].incoming -= 1
            self.evaluate()

    def lose_outgoing(self, node_id: str, epoch: int) -> None:
        """Our connection to a peer, begun in that epoch, has closed."""
        with self._changed:
            self._peers[node_id].outgoing.remove(epoch)
            self.evaluate()

    def evaluate(self) -> None:
        """Draws the consequences of what is known; called on every event and some times a second."""
        with self._changed:
            before = (self._master, dict(self._members), self._stored.version)
            linked = self._linked()
            if self._master == self.node_id:
                self._lead(linked)
            elif self._master is not None:
                self._follow(linked)
            if self._master is None:
                self._elect(self._linked())
            if (self._master, self._members, self._stored.version) != before:
                self._tell()

    def wait_change(self, generation: int, timeout: float) -> int:
        """Waits until something changed since `generation`, at most `timeout` seconds; the generation of now."""
        with self._changed:
            self._changed.wait_for(lambda: self._generation != generation, timeout)
            return self._generation

    def write(self, operation: str, arguments: Json) -> Json:
        """Runs an operation on the master's state and waits until its followers have it.

        Raises NoMasterError where this node is not the master, OperationError where it is refused.
        """
        with self._changed:
            if self._master != self.node_id or not self._has_quorum:
                raise NoMasterError
            state = copy.deepcopy(self._stored.state)
            result = apply_operation(state, operation, arguments, self.data_nodes())
            self._save_state(state)
            self._tell()
            self._changed.wait_for(self._followers_agree, _WRITE_PATIENCE)
            return result

    def wait_stamp(self, stamp: list[int]) -> None:
        """Waits until the node has at least this state, so that a client reads what it has just written."""
        with self._changed:
            self._changed.wait_for(lambda: self._stamp() >= stamp, _WRITE_PATIENCE)

    def stamp(self) -> list[int]:
        with self._changed:
            return self._stamp()

    def _stamp(self) -> list[int]:
        return [self._stored.term, self._stored.version]

    def _linked(self) -> dict[str, Json]:
        return {key: peer.card for key, peer in self._peers.items() if peer.is_linked(self.epoch)}

    def _own_card(self) -> Json:
        profile = self._profile
        return {
            "id": self.node_id,
            "name": profile.name,
            "cluster": profile.cluster,
            "eligible": profile.eligible,
            "data": profile.data,
            "security": profile.security,
            "single_node": profile.single_node,
            "uuid": self._stored.uuid,
            "term": self._term_seen,
            "stamp": self._stamp(),
            "master": self._master,
            "facts": profile.facts,
        }

    def _followers_agree(self) -> bool:
        mine = self._stamp()
        return all(
            self._peers[key].card["stamp"] == mine
            for key in self._members
            if key != self.node_id and key in self._peers
        )

    def _lead(self, linked: dict[str, Json]) -> None:
        followers = {key: card for key, card in linked.items() if card["master"] == self.node_id}
        names = {self._profile.name} | {card["name"] for card in followers.values() if card["eligible"]}
        if self._is_majority(names, self._stored.voters):
            self._has_quorum = True
            if self._stored.uuid is None:
                self._stored.uuid = self._new_uuid()
                write_stored(self._folder, self._stored)
        elif self._has_quorum or time.monotonic() - self._elected_at > _ELECTION_GRACE:
            self._log.warn(_COORDINATOR, "failing [becoming candidate]: not enough nodes follow")
            self._lose_master()
            return
        if not self._has_quorum:
            return
        fresh = {
            self.node_id: self._bare(self._own_card()),
            **{key: self._bare(card) for key, card in followers.items()},
        }
        if fresh.keys() != self._members.keys():
            self._say_members(fresh)
        self._members = fresh
        self._recovered = True
        state = with_own_indices(self._stored.state)
        voters = self._new_voters(fresh)
        created = self._profile.security and SECURITY_INDEX not in state["indices"]
        if created:
            # A 9.x cluster makes it by itself (QueryableBuiltInRoles); for a moment nobody's password is known.
            apply_operation(state, "create_security", {"now": time.time()}, self.data_nodes())
        if allocate(state, self.data_nodes()) or created or voters != self._stored.voters:
            self._stored.voters = voters
            self._save_state(state)

    def _follow(self, linked: dict[str, Json]) -> None:
        card = linked.get(self._master or "")
        if card is None or card["master"] != card["id"]:
            self._log.info(_COORDINATOR, "master node has left the cluster, restarting discovery")
            self._lose_master()
            return
        members = {member["id"]: member for member in card.get("members", ())}
        self._members = members if self.node_id in members and self._recovered else {}

    def _take_state(self, card: Json) -> None:
        if "state" in card and self.node_id in {member["id"] for member in card.get("members", ())}:
            self._stored.term, self._stored.version = card["stamp"]
            self._stored.uuid, self._stored.voters = card["uuid"], card["voters"]
            self._stored.state = card["state"]
            write_stored(self._folder, self._stored)
            self._tell()
        if card["stamp"] == self._stamp() and card["uuid"] == self._stored.uuid:
            self._recovered = True

    def _elect(self, linked: dict[str, Json]) -> None:
        masters = [card for card in linked.values() if card["master"] == card["id"] and not self._differs(card)]
        if masters:
            best = max(masters, key=lambda card: (card["term"], [-ord(letter) for letter in card["name"]]))
            self._master, self._term_seen = best["id"], max(self._term_seen, best["term"])
            self._log.info(_COORDINATOR, f"master node changed {{previous [], current [{best['name']}]}}")
            return
        voters = self._stored.voters or list(self._bootstrap_voters())
        if not self._profile.eligible or not voters:
            return
        mine = self._own_card()
        cards = [mine, *(card for card in linked.values() if card["eligible"] and card["master"] is None)]
        if not self._is_majority({card["name"] for card in cards}, voters):
            return
        newest = max(card["stamp"] for card in cards)
        winner = min((card for card in cards if card["stamp"] == newest), key=lambda card: str(card["name"]))
        if winner is mine:
            self._become_master(voters)

    def _become_master(self, voters: list[str]) -> None:
        self._master, self._elected_at, self._has_quorum = self.node_id, time.monotonic(), False
        self._term_seen += 1
        self._stored.term = self._term_seen
        self._stored.voters = voters
        write_stored(self._folder, self._stored)
        self._log.info(
            "o.e.c.s.MasterService", f"elected-as-master ([{len(voters)}] nodes vote), term: {self._term_seen}"
        )
        self._lead(self._linked())

    def _new_uuid(self) -> str:
        """UUID of a new cluster. Two nodes may each find a majority in the first moments, one after the other; they
        must not have made two clusters then, so the nodes of one configuration arrive at the same UUID.
        """
        if len(self._stored.voters) < 2 or not self._profile.seeds:
            return random_uuid()
        return derived_uuid(self._profile.cluster, *sorted(self._stored.voters), *sorted(self._profile.seeds))

    def _bootstrap_voters(self) -> tuple[str, ...]:
        if self._stored.uuid is not None:
            return ()
        if self._profile.initial_masters:
            return self._profile.initial_masters
        alone = self._profile.single_node or (
            not self._profile.discovery_configured and time.monotonic() - self._started > _BOOTSTRAP_DELAY
        )
        return (self._profile.name,) if alone else ()

    def _lose_master(self) -> None:
        # Discovery opens new connections, so it sees certificates that open ones have outlived.
        self._master, self._has_quorum, self._members = None, False, {}
        self.epoch += 1

    def _new_voters(self, members: dict[str, Json]) -> list[str]:
        """An odd number of master-eligible members, never fewer than three once there were (`Reconfigurator`)."""
        live = sorted(card["name"] for card in members.values() if card["eligible"])
        if len(live) < len(self._stored.voters) and len(live) < 3:
            return self._stored.voters
        return live if len(live) % 2 else live[:-1]

    def _is_majority(self, names: set[str], voters: list[str]) -> bool:
        return 2 * len(names & set(voters)) > len(voters)

    def _differs(self, card: Json) -> bool:
        return bool(card["uuid"] and self._stored.uuid and card["uuid"] != self._stored.uuid)

    def _bare(self, card: Json) -> Json:
        return {key: value for key, value in card.items() if key not in ("members", "stamp", "term", "master")}

    def _say_members(self, fresh: dict[str, Json]) -> None:
        for key in fresh.keys() - self._members.keys():
            self._log.info("o.e.c.s.ClusterApplierService", f"added {{{{{fresh[key]['name']}}}}}")
        for key in self._members.keys() - fresh.keys():
            self._log.info("o.e.c.s.ClusterApplierService", f"removed {{{{{self._members[key]['name']}}}}}")

    def _tell(self) -> None:
        self._generation += 1
        self._changed.notify_all()

    def _save_state(self, state: Json) -> None:
        self._stored.state = state
        self._stored.version += 1
        write_stored(self._folder, self._stored)
