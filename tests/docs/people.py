"""What others do between two blocks of a page: `<!-- meanwhile: WHAT ARGUMENTS -->`."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.corporate import pem_of
from tests.docs.hosts import Hosts


def sign(hosts: Hosts, requests: str, answers: str) -> None:
    """Those who run the corporate CA: a certificate for every request, and the CA's own certificates, in a folder."""
    corporate = hosts.corporate
    source, target = (hosts.home / name.removeprefix("~/") for name in (requests, answers))
    target.mkdir(exist_ok=True)
    for request in sorted(source.glob("*.csr")):
        (target / f"{request.stem}.crt").write_bytes(pem_of(corporate.sign(request.read_bytes())))
    (target / "corporate-ca.pem").write_bytes(pem_of(corporate.issuing, corporate.root))


def kill(hosts: Hosts, *command: str) -> None:
    """The power fails, or somebody kills estui, in the middle of a command: in its first step."""
    files = {"ESTUI_WORKSPACE": "estui-logs", "ESTUI_PASSPHRASE_FILE": "estui-passphrase"}
    process = subprocess.Popen(
        ["bash", "-c", hosts.here(" ".join(command))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=hosts.home,
        env={**hosts.environment(), **{name: str(hosts.home / file) for name, file in files.items()}},
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    said = next((line for line in process.stderr if line.startswith("> ")), "")
    assert said, "it ended before its first step"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def corporate_bundle(hosts: Hosts, path: str) -> None:
    """The CA's own certificates alone, as a company hands them out."""
    target = hosts.home / Path(path.removeprefix("~/"))
    target.write_bytes(pem_of(hosts.corporate.issuing, hosts.corporate.root))


def forget(hosts: Hosts, path: str) -> None:
    """Somebody loses a file or a whole folder of the bastion."""
    subprocess.run(["rm", "-r", str(hosts.home / path.removeprefix("~/"))], check=True)


PEOPLE: dict[str, Callable[..., None]] = {
    "sign": sign,
    "kill": kill,
    "corporate-bundle": corporate_bundle,
    "forget": forget,
}


def meanwhile(hosts: Hosts, words: str) -> None:
    """Does what a page says."""
    name, *arguments = words.split()
    PEOPLE[name](hosts, *arguments)
