"""What every act of a run needs at hand: workspace, inventory, plan, journal, and how far it may go by itself."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from estui.act.fs import Fs
from estui.act.items import Digests, opening
from estui.act.journal import Journal, stamp
from estui.act.workspace import Workspace
from estui.model.inventory import Inventory
from estui.model.plan import Plan
from estui.model.run import Event, Evidence, EvidenceSeen, Said
from estui.observe.http import ClientCertificate
from estui.secret import Secret

Emit = Callable[[Event], None]
SYMBOLS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
"""Letters and digits without those that are easily mixed up (I l 1, O 0)."""
MIXED_UP = "Il1O0"
MARKS = "-_.~"
"""Signs without a meaning in yml, shells, URLs or Beats' own expansion."""


@dataclass(frozen=True)
class Recipe:
    """What passwords that estui makes look like."""

    length: int = 24
    marks: bool = False
    """Signs beside letters and digits."""
    mixed_up: bool = False
    """Also characters that are easily mixed up."""


def new_password(recipe: Recipe = Recipe()) -> Secret:
    """Random letters and digits, a letter in front: as they are by default, about 138 bits.

    A letter first, and no character with a meaning in yml, shells or Beats' own expansion, keeps every
    consumer from reading it as something else (beats.md §1.2).
    """
    symbols = SYMBOLS + (MIXED_UP if recipe.mixed_up else "")
    letters = [sign for sign in symbols if sign.isalpha()]
    # its last character is no sign either, which a reader takes for the end of a sentence
    every = symbols + (MARKS if recipe.marks else "")
    middle = "".join(secrets.choice(every) for _ in range(recipe.length - 2))
    return Secret(secrets.choice(letters) + middle + secrets.choice(symbols))


@dataclass
class Options:
    """How far a run may go by itself, and how long it waits."""

    run_commands: bool = False
    """Run the inventory's stop, start and restart commands."""
    write_now: bool = False
    take_over: bool = False
    wait_s: float = 0.0
    """How long to watch for something that a person does."""


@dataclass
class Context:
    """One run at work."""

    fs: Fs
    workspace: Workspace
    inventory: Inventory
    plan: Plan
    journal: Journal
    digests: Digests
    emit: Emit
    options: Options = field(default_factory=Options)
    passphrase: Secret | None = None
    passwords: dict[str, Secret] = field(default_factory=dict)
    """Of built-in users, once known."""
    credentials: tuple[str, Secret] | None = None
    """Given by the operator: user and password of a superuser."""
    keystore_password: Secret | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    """Set by whoever wants the run to pause before the next step."""
    given: dict[str, Secret] = field(default_factory=dict)
    """Passwords of built-in users that the operator gave for this run, and keeps himself: they are stored nowhere."""
    typed: Mapping[str, Secret] = field(default_factory=dict)
    """New passwords of built-in users that the operator chose, and that are stored."""
    values: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What the operator gave for entries of `elasticsearch.keystore`, by name; needed until all is materialised."""
    new_keystore_password: Secret | None = None
    client: ClientCertificate | None = None
    """A client certificate that the operator gave; without one estui shows its own, where it has one."""
    plain_http: bool = False
    """The operator agreed to logins over plain HTTP to other hosts."""
    telling: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Whoever listens hears one thing at a time, also where many targets are worked on."""

    @property
    def run(self) -> str:
        return self.journal.run

    def keystore_password_of(self, content: bytes) -> Secret | None:
        """The one of the known keystore passwords that opens this file; the first one where none does."""
        return opening(content, self.keystore_password, self.digests.others)

    def now(self) -> datetime:
        return self.workspace.clock()

    def say(self, text: str) -> None:
        self.emit(Said(text))

    def evidence(self, step: str, target: str, text: str, *, ok: bool = True) -> Evidence:
        """Something observed, told at once."""
        seen = Evidence(stamp(self.now()), target, text, ok)
        with self.telling:
            self.emit(EvidenceSeen(step, seen))
        return seen
