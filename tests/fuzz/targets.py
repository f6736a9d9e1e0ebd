"""All targets by name."""

from __future__ import annotations

from tests.fuzz.peers import PEERS
from tests.fuzz.records import RECORDS
from tests.fuzz.stores import STORES
from tests.fuzz.texts import TEXTS

TARGETS = {target.name: target for target in (*STORES, *TEXTS, *RECORDS, *PEERS)}
