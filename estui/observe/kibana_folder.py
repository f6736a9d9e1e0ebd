"""A Kibana instance's folders: what is on disk, without any network.

Paths in `kibana.yml` are absolute as the instance's own host sees them; here they are found through `on_host`, the
package's usual folders, or the end that they have in common with a file of the mounted folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from estui.errors import StoreError
from estui.formats.es_keystore import entries_digest
from estui.formats.kibana_keystore import ENCRYPTION_KEYS, read_kibana_keystore
from estui.formats.outside import with_outside
from estui.model.finding import Finding
from estui.model.inventory import KibanaEntry
from estui.model.observed import Fault, FileKind, FileState, KeystoreFacts, ObservedKibana
from estui.model.setting import Setting
from estui.observe.addresses import kibana_address
from estui.observe.certificates import kibana_tls, read_context
from estui.observe.config_folder import (
    MountedFolder,
    fatal,
    files_of_interest,
    folder_problem,
    hanging,
    home_on_host,
    own_files,
    read_settings,
    resolved,
    stated_name,
)
from estui.observe.files import Followed, follow, read_state
from estui.secret import Secret

KIBANA_YML = "kibana.yml"
KIBANA_KEYSTORE = "kibana.keystore"
SERVER_SET, TRUST_SET = "server", "elasticsearch"
PACKAGE_FOLDERS = ("/etc/kibana", "/usr/share/kibana/config")


def observe_kibana_folder(entry: KibanaEntry, *, folder: str, digest_key: bytes) -> ObservedKibana:
    """What an instance's folders hold. `folder` is the name of estui's own folder, `digest_key` keys the digest of
    the keystore's entries.

    Never raises for the folder's sake: what forbids a plan is in `problems`.
    """
    root = Path(entry.config)
    problem = folder_problem(root, KIBANA_YML, _target(entry, ""))
    if problem is not None:
        return ObservedKibana(entry, _name(entry, ""), files_of_interest(root, ()), problems=(problem,))
    files = files_of_interest(root, (KIBANA_YML, KIBANA_KEYSTORE, *own_files(folder, (SERVER_SET, TRUST_SET))))
    settings, problems = read_settings(files[KIBANA_YML], root / KIBANA_YML, _target(entry, ""))
    settings = with_outside(settings, entry)
    name = _name(entry, stated_name(settings, "server.name"))
    secure = _read_keystore(files[KIBANA_KEYSTORE], root / KIBANA_KEYSTORE, digest_key)
    data = _data_folder(entry, settings)
    problems += _keystore_in_data(entry, name, data)
    mounted = MountedFolder(root, (entry.on_host,) if entry.on_host else PACKAGE_FOLDERS)

    def reader(name: str) -> Followed:
        found = mounted.follow(name)
        return (data and _in_data(data, name)) or found if found.fault is Fault.OUTSIDE else found

    server = kibana_tls("server.ssl", settings, secure.secrets, enabled=_text(settings, "server.ssl.enabled") == "true")
    client = kibana_tls("elasticsearch.ssl", settings, secure.secrets, enabled=_talks_https(settings))
    return ObservedKibana(
        entry=entry,
        name=name,
        files={**files, **mounted.named_files((server, client))},
        settings=settings,
        keystore=secure.facts,
        disk=read_context(server, reader, f"{folder}/{SERVER_SET}/current"),
        trust=read_context(client, reader, f"{folder}/{TRUST_SET}/current"),
        address=kibana_address(entry, settings),
        version=entry.version,
        problems=problems,
        shared=tuple(_shared(settings, secure.secrets, digest_key)),
    )


def _shared(
    settings: Mapping[str, Setting], secrets: Mapping[str, Secret], digest_key: bytes
) -> Iterator[tuple[str, str]]:
    """Encryption keys and the digests of their values; an entry of the keystore wins over the yml."""
    for name in ENCRYPTION_KEYS:
        text = secrets[name].reveal() if name in secrets else _text(settings, name)
        if text:
            yield name, "" if "${" in text else entries_digest({name: text.encode()}, digest_key)


def hanging_kibana(entry: KibanaEntry, seconds: float) -> ObservedKibana:
    """An instance whose folder did not answer in time."""
    finding = hanging(entry.config, _target(entry, ""), seconds)
    return ObservedKibana(entry, _name(entry, ""), {}, address=entry.http, problems=(finding,))


def _name(entry: KibanaEntry, server_name: str) -> str:
    return entry.name or server_name or Path(entry.config).name


def _target(entry: KibanaEntry, server_name: str) -> str:
    return f"kibana/{_name(entry, server_name)}"


def _text(settings: Mapping[str, Setting], key: str) -> str:
    return settings[key].text if key in settings else ""


def _talks_https(settings: Mapping[str, Setting]) -> bool:
    hosts = settings.get("elasticsearch.hosts")
    return hosts is not None and any(host.startswith("https://") for host in hosts.items)


@dataclass(frozen=True)
class _Secure:
    facts: KeystoreFacts
    secrets: Mapping[str, Secret]


def _read_keystore(state: FileState, path: Path, digest_key: bytes) -> _Secure:
    state = resolved(state, path)
    if state.kind is FileKind.ABSENT:
        return _Secure(KeystoreFacts(present=False), {})
    if state.error:
        return _Secure(KeystoreFacts(present=True, error=f"cannot be read: {state.error}"), {})
    try:
        entries = read_kibana_keystore(state.content, None, str(path))
    except StoreError as exc:
        return _Secure(KeystoreFacts(present=True, error=exc.summary), {})
    # JSON text, so that the number 1 and the text "1" are different entries.
    values = {name: json.dumps(value, sort_keys=True).encode() for name, value in entries.items()}
    return _Secure(
        KeystoreFacts(
            present=True,
            opened=True,
            names=tuple(sorted(entries)),
            entries_digest=entries_digest(values, digest_key),
            not_text=tuple(sorted(name for name, value in entries.items() if not isinstance(value, str))),
        ),
        {name: Secret(value) for name, value in entries.items() if isinstance(value, str)},
    )


def _data_folder(entry: KibanaEntry, settings: Mapping[str, Setting]) -> Path | None:
    """The instance's data folder as far as it can be seen from here: stated, or beside the configuration folder, or
    that of a package on this very host."""
    if entry.data:
        return Path(entry.data)
    config, named = Path(entry.config), _text(settings, "path.data")
    if entry.config in PACKAGE_FOLDERS:
        path = Path(named or "/var/lib/kibana")
    elif named or config.parent == Path(config.anchor):
        return None  # a path of the instance's own host
    else:
        path = config.parent / "data"
    return path if read_state(path).kind is FileKind.FOLDER else None


def _in_data(data: Path, name: str) -> Followed | None:
    """A file that lies in the data folder, where Kibana puts the CA of a cluster that it was enrolled in; by its whole
    path on this host, since it is none of the configuration folder."""
    home = home_on_host(data, name)
    if home is None:
        return None
    found = follow(data, name, on_host=(home,))
    return None if found.problem else replace(found, relative=str(data / found.relative))


def _keystore_in_data(entry: KibanaEntry, name: str, data: Path | None) -> tuple[Finding, ...]:
    """An old keystore in the data folder wins over the one in the configuration folder (file-formats.md §8.1), so
    that what estui writes into the latter would never be read."""
    if data is None:
        return ()
    path = data / KIBANA_KEYSTORE
    if read_state(path).kind is FileKind.ABSENT:
        return ()
    summary = f"{KIBANA_KEYSTORE} lies in the data folder, and Kibana prefers it to the one in the configuration folder"
    hint = f"move it: mv {path} {entry.config}/"
    return (fatal("kibana-keystore-in-data", f"kibana/{name}", summary, hint, str(path)),)
