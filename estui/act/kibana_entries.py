"""Secrets that Kibana instances hold, in keystore or yml, read where a run needs them. Never shown."""

from __future__ import annotations

import secrets

from estui.act.context import Context
from estui.act.items import KIBANA_KEYSTORE
from estui.decide.kibana import KIBANA_YML
from estui.errors import ApplyError, EstuiError
from estui.formats.kibana_keystore import read_kibana_keystore
from estui.formats.yml import parse_settings
from estui.secret import Secret

KEY_BYTES = 32
"""Of a new encryption key: twice as many characters, and Kibana wants 32 of those at least."""


def held(context: Context, root: str, name: str, folder: str = "") -> Secret | None:
    """What an instance holds under a name; its keystore wins. `folder` is that of files which a run replaced.

    None where there is nothing, or nothing that can be read.
    """
    keystore = context.fs.read(root, f"{folder}{KIBANA_KEYSTORE}")
    yml = context.fs.read(root, f"{folder}{KIBANA_YML}")
    try:
        if keystore.exists:
            value = read_kibana_keystore(keystore.content, None, KIBANA_KEYSTORE).get(name)
            if isinstance(value, str):
                return Secret(value)
        setting = parse_settings(yml.content, KIBANA_YML).get(name) if yml.exists else None
    except EstuiError:
        return None
    return Secret(setting.text) if setting is not None and setting.text else None


def shared(context: Context, name: str) -> Secret:
    """What all instances have in common under a name: as one of them has it, else made anew.

    ApplyError: two of them differ.
    """
    values = {value.reveal() for entry in context.inventory.kibana if (value := held(context, entry.config, name))}
    values = {value for value in values if "${" not in value}
    if len(values) > 1:
        raise ApplyError(f"Kibana instances have different values of {name}", hint="make them equal, then plan again")
    return Secret(values.pop() if values else secrets.token_hex(KEY_BYTES))
