"""`estui init`: looks at folders and writes `estui.yaml`."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from estui.cli.output import Exit, has_terminal, say, show_json
from estui.decide.hosts import address_of_url
from estui.engine import Engine, open_engine
from estui.engine.first_start import create_workspace
from estui.engine.folders import look_at_folders
from estui.errors import SettingsError, UsageError
from estui.model.inventory import BeatEntry, Inventory, KibanaEntry, NodeEntry
from estui.present import count


def run(options: argparse.Namespace) -> int:
    """Writes the inventory of what was found; questions only on a terminal."""
    if not options.folders and not options.kibana:
        raise UsageError("name the configuration folders of the nodes", hint="estui init DIR...")
    inventory = Inventory(
        cluster=options.cluster or "",
        nodes=tuple(NodeEntry(_absolute(folder)) for folder in options.folders),
        kibana=tuple(KibanaEntry(config, on_host=on_host) for config, on_host in map(_mapped, options.kibana)),
        beats=tuple(BeatEntry(config, on_host=on_host) for config, on_host in map(_mapped, options.beat)),
    )
    found = look_at_folders(inventory)
    if found.problems:
        raise SettingsError("these folders cannot be used", reasons=found.problems, hint="mend or leave them out")
    inventory = replace(inventory, cluster=options.cluster or found.cluster)
    inventory = _ask_missing(inventory, found.missing)
    engine = open_engine(options.workspace)
    create_workspace(engine, inventory)
    _tell(engine, inventory, options)
    return Exit.DONE


def _absolute(folder: str) -> str:
    return os.path.abspath(Path(folder).expanduser())  # noqa: PTH100 - resolve() would follow the links of mounts


def _mapped(text: str) -> tuple[str, str | None]:
    folder, _, on_host = text.partition("=")
    return _absolute(folder), on_host or None


def _ask_missing(inventory: Inventory, missing: tuple[tuple[int, str], ...]) -> Inventory:
    """Names and addresses that a folder's yml leaves to defaults: asked for on a terminal, told elsewhere."""
    if not missing:
        return inventory
    nodes = list(inventory.nodes)
    for index, key in missing:
        folder = nodes[index].config
        if not has_terminal():
            say(f"note: {folder}: node.name or address is not in its yml; write `{key}:` for it into estui.yaml")
            continue
        example = "es-1" if key == "name" else "es-1.example.net:9200"
        say(f"{folder}: `{key}` (such as {example}), empty to leave it open:")
        answer = sys.stdin.readline().strip()
        if answer:
            value = answer if key == "name" else address_of_url(answer)
            nodes[index] = replace(nodes[index], **{key: value})  # type: ignore[arg-type]
    return replace(inventory, nodes=tuple(nodes))


def _tell(engine: Engine, inventory: Inventory, options: argparse.Namespace) -> None:
    if options.json:
        show_json(inventory)
    parts = [count(len(inventory.nodes), "node")]
    parts += [f"{len(inventory.kibana)} Kibana"] if inventory.kibana else []
    parts += [count(len(inventory.beats), "Beat")] if inventory.beats else []
    say(f"wrote {engine.path}/estui.yaml: cluster {inventory.cluster}, {', '.join(parts)}")
    say("next: estui status; then estui plan https, or, where it is secured already: estui adopt")
