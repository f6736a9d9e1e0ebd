"""The grammar of `estui csr`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estui.cli.parsers.nested import verbs_of
from estui.cli.parsers.options import run_options, runbook_option

if TYPE_CHECKING:
    from estui.cli.parsers import Adder

LAYERS = ("transport", "http")
KEY_TYPES = ("ec-p256", "rsa-2048", "rsa-3072", "rsa-4096")


def add(command: Adder) -> None:
    """`csr` and its verbs."""
    verb = verbs_of(command("csr", "certificates of an external CA: requests out, answers in", "csr"))
    export = verb("export", "make keys, which stay here, and write a request for each target and layer")
    export.add_argument("targets", nargs="*", metavar="TARGET", help="a node, or kibana/NAME (else all)")
    export.add_argument("--layer", choices=LAYERS, help="this layer only; Kibana's server goes with http")
    export.add_argument("--to", metavar="DIR", required=True, help="folder for the requests")
    export.add_argument("--key", choices=KEY_TYPES, help="key type (else the policy's)")
    export.add_argument(
        "--without", nargs="+", default=[], metavar="NAME", help="leave these names out, such as localhost 127.0.0.1"
    )
    bring = verb("import", "check the certificates that came back, and keep them if nothing is wrong")
    bring.add_argument("files", nargs="+", metavar="FILE", help="PEM, PKCS#7 (.p7b) or DER; CAs may be among them")
    bring.add_argument("--ca", action="append", default=[], metavar="FILE", help="root or intermediates of the CA")
    bring.add_argument("--name", metavar="NAME", help="the CA's name in this workspace (else corporate)")
    bring.add_argument(
        "--partial-chain", action="store_true", help="trust an intermediate as the end of the chain, without its root"
    )
    verb("list", "every request, and how far it is")
    apply = verb("apply", "put imported certificates in place of the leaves in use, without a restart")
    apply.add_argument("targets", nargs="*", metavar="TARGET", help="a node, or kibana/NAME (else all)")
    apply.add_argument("--layer", choices=LAYERS, help="this layer only; Kibana's server goes with http")
    apply.add_argument("--yes", action="store_true", help="do not ask")
    run_options(apply)
    runbook_option(apply)
