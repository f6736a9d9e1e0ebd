"""What a page begins with: `<!-- begins: unsecured -->` and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.docs.hosts import Hosts
from tests.docs.others import by_certutil, by_first_start

PASSPHRASE = "umask 077; head -c 18 /dev/urandom | base64 > ~/estui-passphrase"
WORKSPACE = "export ESTUI_WORKSPACE=~/estui-logs ESTUI_PASSPHRASE_FILE=~/estui-passphrase"


def _bastion(hosts: Hosts) -> None:
    """Nothing but estui, and a passphrase for the workspace to come."""
    for line in (PASSPHRASE, WORKSPACE):
        _done(hosts, line)


def _inventory(hosts: Hosts) -> None:
    """A workspace that knows the nodes, how to restart them, Kibana, and a Beat where there is one."""
    _bastion(hosts)
    folders = " ".join(f"/mnt/{name}/config" for name in hosts.sandbox.node_names)
    beat = " --beat /mnt/metricbeat/config=/etc/metricbeat" if hosts.beat else ""
    kibana = " --kibana /mnt/kibana/config=/etc/kibana" if hosts.kibana else ""
    _done(hosts, f"estui init {folders}{kibana}{beat}")
    hosts.write(
        "~/estui-logs/estui.yaml", _with_commands(hosts.told((hosts.home / "estui-logs/estui.yaml").read_text()))
    )


def _with_commands(text: str) -> str:
    """The inventory with the commands that each service is stopped and started with."""
    lines = []
    for line in text.splitlines():
        lines.append(line)
        if "config: " in line:
            host = line.rstrip("/").split("/")[-2]
            service = host if host in ("kibana", "metricbeat") else "elasticsearch"
            lines += [
                f"    {action}: [ssh, {host}, sudo, systemctl, {action}, {service}]"
                for action in ("stop", "start", "restart")
            ]
    return "\n".join(lines) + "\n"


def _secured(hosts: Hosts) -> None:
    """Everything by estui: HTTPS on nodes and Kibana."""
    _inventory(hosts)
    _done(hosts, "estui apply https --yes --restart")


def _by_certutil(hosts: Hosts) -> None:
    _secured(hosts)
    by_certutil(hosts)


def _by_first_start(hosts: Hosts) -> None:
    _secured(hosts)
    by_first_start(hosts)


def _done(hosts: Hosts, command: str) -> None:
    code, printed = hosts.run(command)
    assert code == 0, f"{command}\n{printed}"


STATES: dict[str, Callable[[Hosts], None]] = {
    "nothing": lambda hosts: None,
    "unsecured": _bastion,
    "inventory": _inventory,
    "secured": _secured,
    "certutil": _by_certutil,
    "auto-configured": _by_first_start,
}


@contextmanager
def begun(state: str, folder: Path) -> Iterator[Hosts]:
    """Hosts in the state that a page names; `with beat` after it adds a Metricbeat. Clusters that others secured have
    no Kibana: who takes them over looks at the nodes."""
    name, _, rest = state.partition(" with ")
    others = name in ("certutil", "auto-configured")
    hosts = Hosts(folder / "hosts", kibana=not others, beat=rest == "beat", start=name != "nothing")
    try:
        STATES[name](hosts)
        yield hosts
    finally:
        hosts.close()
