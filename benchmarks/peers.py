"""The same certificates made by other tools, in the same minute: a leaf and a key for both layers of every node.

Each runs as a whole process of its own. Ansible and trustme are installed into a virtual environment of their own,
and only where they are asked for.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measures import Lab
from benchmarks.process import measure
from benchmarks.results import Result
from estui.model.inventory import KeyType

PACKAGES = ("trustme", "ansible-core", "cryptography")
COLLECTION = "community.crypto"
LARGEST_ANSIBLE = 50
"""Nodes: at about a second a node more would say nothing new."""

_OPENSSL = """set -e
openssl req -x509 -newkey {ca_key} -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=ca 2>/dev/null
i=0
while [ $i -lt {leaves} ]; do
  openssl req -new -newkey {key} -nodes -keyout $i.key -out $i.csr -subj /CN=n$i \\
    -addext "subjectAltName=DNS:n$i,IP:127.0.0.1" 2>/dev/null
  openssl x509 -req -in $i.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 397 -copy_extensions copy \\
    -out $i.crt 2>/dev/null
  i=$((i+1))
done
"""
_KEYTOOL = """set -e
store="-keystore ca.p12 -storepass changeit"
keytool -genkeypair -alias ca $store -keyalg {algorithm} {size} -dname CN=ca -ext bc:c -validity 3650
i=0
while [ $i -lt {leaves} ]; do
  keytool -genkeypair -alias n $store -keyalg {algorithm} {size} -dname CN=n$i -signer ca \\
    -ext san=dns:n$i,ip:127.0.0.1 -validity 397
  keytool -exportcert -rfc -alias n $store -file $i.crt
  keytool -delete -alias n $store
  i=$((i+1))
done
"""
_TRUSTME = """
import sys, trustme
kind = trustme.KeyType.{kind}
ca = trustme.CA(key_type=kind)
for number in range(int(sys.argv[1])):
    leaf = ca.issue_cert(f"n{{number}}", "127.0.0.1", key_type=kind)
    leaf.private_key_and_cert_chain_pem.write_to_path(f"{{number}}.pem")
"""
_PLAYBOOK = """- hosts: all
  connection: local
  gather_facts: false
  vars: {{ ansible_python_interpreter: "{python}", folder: "{folder}/{{{{ inventory_hostname }}}}" }}
  tasks:
    - ansible.builtin.file: {{ path: "{{{{ folder }}}}", state: directory }}
    - community.crypto.openssl_privatekey: {{ path: "{{{{ folder }}}}/{{{{ item }}}}.key", {key} }}
      loop: [transport, http]
    - community.crypto.openssl_csr:
        path: "{{{{ folder }}}}/{{{{ item }}}}.csr"
        privatekey_path: "{{{{ folder }}}}/{{{{ item }}}}.key"
        common_name: "{{{{ inventory_hostname }}}}"
        subject_alt_name: ["DNS:{{{{ inventory_hostname }}}}", "IP:127.0.0.1"]
      loop: [transport, http]
    - community.crypto.x509_certificate:
        path: "{{{{ folder }}}}/{{{{ item }}}}.crt"
        csr_path: "{{{{ folder }}}}/{{{{ item }}}}.csr"
        provider: ownca
        ownca_path: "{folder}/ca.crt"
        ownca_privatekey_path: "{folder}/ca.key"
      loop: [transport, http]
"""


def results(lab: Lab, size: int) -> Iterator[Result]:
    """What each peer takes for two leaves a node; those that are not there are left out."""
    name, leaves = f"issue 2 leaves a node, {lab.key.value}", 2 * size
    is_ec = lab.key is KeyType.EC_P256
    bits = lab.key.value.rpartition("-")[2]
    scripts = {
        "openssl": _OPENSSL.format(
            ca_key="ec -pkeyopt ec_paramgen_curve:P-256", key=_openssl_key(is_ec, bits), leaves=leaves
        ),
        "keytool": _KEYTOOL.format(
            algorithm="EC" if is_ec else "RSA",
            size="-groupname secp256r1" if is_ec else f"-keysize {bits}",
            leaves=leaves,
        ),
    }
    for tool, script in scripts.items():
        if shutil.which(tool):
            folder = Path(tempfile.mkdtemp(dir=lab.folder))
            yield Result(name, size, measure(("sh", "-c", script), log=lab.folder / f"{tool}.log", cwd=folder), tool)
    tools = lab.folder.parent / "peers"
    python = _installed(tools)
    folder = Path(tempfile.mkdtemp(dir=lab.folder))
    source = _TRUSTME.format(kind="ECDSA" if is_ec else "RSA")
    command = (str(python), "-c", source, str(leaves))
    yield Result(name, size, measure(command, log=lab.folder / "trustme.log", cwd=folder), "trustme")
    if size <= LARGEST_ANSIBLE:
        yield from _ansible(lab, size, tools, name)


def _openssl_key(is_ec: bool, bits: str) -> str:
    return "ec -pkeyopt ec_paramgen_curve:P-256" if is_ec else f"rsa:{bits}"


def _installed(tools: Path) -> Path:
    """Interpreter of the peers' own environment, made on first use from the package registry that pip is set to."""
    python = tools / "bin" / "python"
    if not python.exists():
        venv.create(tools, with_pip=True)
        subprocess.run((str(python), "-m", "pip", "install", "--quiet", *PACKAGES), check=True)
    return python


def _ansible(lab: Lab, size: int, tools: Path, name: str) -> Iterator[Result]:
    """A playbook on local connections, for a first run and for one that changes nothing."""
    collections = tools / "collections"
    galaxy = (str(tools / "bin" / "ansible-galaxy"), "collection", "install", COLLECTION, "-p", str(collections))
    if not collections.exists() and subprocess.run(galaxy, check=False, capture_output=True).returncode:
        return  # the collection cannot be had here
    folder = Path(tempfile.mkdtemp(dir=lab.folder))
    bits = lab.key.value.rpartition("-")[2]
    key = "type: ECC, curve: secp256r1" if lab.key is KeyType.EC_P256 else f"type: RSA, size: {bits}"
    (folder / "play.yml").write_text(_PLAYBOOK.format(python=tools / "bin" / "python", folder=folder, key=key))
    (folder / "hosts").write_text("".join(f"n{number}\n" for number in range(size)))
    begin = ("sh", "-c", _OPENSSL.format(ca_key=_openssl_key(True, ""), key="", leaves=0))
    measure(begin, log=lab.folder / "ansible-ca.log", cwd=folder)
    command = (str(tools / "bin" / "ansible-playbook"), "-i", "hosts", "play.yml", "--forks", "2")
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(collections), "PATH": f"{tools / 'bin'}:/usr/bin:/bin"}
    for measured in (name, "plan, nothing to do"):
        log = lab.folder / "ansible.log"
        yield Result(measured, size, measure(command, log=log, cwd=folder, environment=environment), "Ansible")
