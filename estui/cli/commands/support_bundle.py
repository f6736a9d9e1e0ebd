"""`estui support-bundle`: facts for a bug report, shown before they are written."""

from __future__ import annotations

import argparse
from pathlib import Path

from estui.cli.commands.plan import save
from estui.cli.output import Exit, say, show, show_json
from estui.cli.session import confirm, open_session
from estui.engine.support import support_bundle
from estui.formats.wire import dumps
from estui.present.document import document_lines, document_markdown
from estui.present.support import support_document


def run(options: argparse.Namespace) -> int:
    """Exit code 3 where it was shown and not written."""
    engine = open_session(options)
    bundle = support_bundle(engine, network=not options.offline)
    document = support_document(bundle)
    if options.json:
        show_json(bundle)
    else:
        show(document_lines(document))
    ending = "json" if options.json else "md"
    path = Path(options.output or f"estui-support-{engine.clock():%Y-%m-%d-%H%M%S}.{ending}")
    if not options.yes and not confirm(f"Write what is shown above into {path}?", "--yes"):
        say("nothing was written")
        return Exit.PENDING
    save(path, dumps(bundle) if options.json else document_markdown(document).encode("utf-8", "replace"))
    say(f"saved: {path}")
    return Exit.DONE
