"""Owns the security APIs: who am I, users and passwords, tokens and keys, and the certificates on disk."""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography import x509

from estui.sandbox.http import Response, json_response
from estui.sandbox.material import ListedCertificate, list_certificates
from estui.sandbox.node import ApiError, Call
from estui.sandbox.state import Json, security_ready
from estui.sandbox.stored import random_uuid
from estui.sandbox.tls_settings import SslConfigError
from estui.sandbox.users import MINIMUM_LENGTH, Login, new_hash
from estui.secret import Secret


def authenticate(call: Call) -> Response:
    login = _login(call)
    realm = {"name": login.realm, "type": login.realm_type}
    content = {
        "username": login.name,
        "roles": list(login.roles),
        "full_name": None,
        "email": None,
        "metadata": dict(login.metadata),
        "enabled": True,
        "authentication_realm": realm,
        "lookup_realm": realm,
        "authentication_type": login.kind,
    }
    return json_response(200, content)


def get_users(call: Call) -> Response:
    found = call.node.users.described()
    if call.parts:
        found = {name: found[name] for name in call.parts[0].split(",") if name in found}
        if not found:
            return json_response(404, {})
    return json_response(200, found)


def set_password(call: Call) -> Response:
    """Of the user in the path, else of the caller; anybody may change their own."""
    login = _login(call)
    user = call.parts[0] if call.parts else login.name
    if user != login.name and not login.may("manage_security"):
        roles = ",".join(login.roles)
        action = "cluster:admin/xpack/security/user/change_password"
        raise ApiError(
            403,
            "security_exception",
            f"action [{action}] is unauthorized for user [{login.name}] with effective roles [{roles}], this action is "
            "granted by the cluster privileges [manage_security,all]",
        )
    body = call.body()
    stored = body.get("password_hash")
    if stored is None:
        password = Secret(str(body.get("password", "")))
        if len(password.reveal()) < MINIMUM_LENGTH:
            raise _invalid(f"passwords must be at least [{MINIMUM_LENGTH}] characters long")
        stored = new_hash(password)
    if not call.node.users.exists(user):
        if call.node.users.is_file_user(user):
            raise _invalid(f"user [{user}] does not belong to the native realm and cannot be managed via this API.")
        raise _invalid("user must exist in order to change password")
    require_security_index(call)
    return json_response(200, call.node.write("set_password", {"user": user, "hash": stored}, call.request))


def enable(call: Call) -> Response:
    return _set_enabled(call, enabled=True)


def disable(call: Call) -> Response:
    return _set_enabled(call, enabled=False)


def put_user(call: Call) -> Response:
    body, user = call.body(), call.parts[0]
    password = Secret(str(body.get("password", "")))
    if password and len(password.reveal()) < MINIMUM_LENGTH:
        raise _invalid(f"passwords must be at least [{MINIMUM_LENGTH}] characters long")
    require_security_index(call)
    stored = body.get("password_hash") or (new_hash(password) if password else "")
    arguments = {"user": user, "hash": stored, "roles": list(body.get("roles", ()))}
    arguments["metadata"] = dict(body.get("metadata", {}))
    return json_response(200, call.node.write("put_user", arguments, call.request))


def delete_user(call: Call) -> Response:
    result = call.node.write("delete_user", {"user": call.parts[0]}, call.request)
    return json_response(200 if result["found"] else 404, result)


def create_token(call: Call) -> Response:
    """A token of a service account; the value is Java's shape: four bytes, then `account/name:secret`."""
    namespace, service, name = call.parts
    account = f"{namespace}/{service}"
    text = f"\x00\x01\x00\x01{account}/{name}:{secrets.token_urlsafe(16)}"
    value = base64.b64encode(text.encode()).decode().rstrip("=")
    arguments = {"account": account, "name": name, "digest": hashlib.sha256(value.encode()).hexdigest()}
    require_security_index(call)
    call.node.write("put_token", arguments, call.request)
    return json_response(200, {"created": True, "token": {"name": name, "value": value}})


def delete_token(call: Call) -> Response:
    namespace, service, name = call.parts
    result = call.node.write("delete_token", {"name": f"{namespace}/{service}/{name}"}, call.request)
    return json_response(200 if result["found"] else 404, result)


def get_tokens(call: Call) -> Response:
    """Names of a service account's tokens, never their values."""
    account = "/".join(call.parts)
    stored = call.node.membership.state()["tokens"]
    names = [name.removeprefix(f"{account}/") for name in stored if name.startswith(f"{account}/")]
    content = {"service_account": account, "count": len(names), "tokens": {name: {} for name in names}}
    return json_response(200, content)


def create_api_key(call: Call) -> Response:
    """A key with the rights of its owner: role descriptors are not understood."""
    login, name = _login(call), str(call.body().get("name", ""))
    identifier, secret = random_uuid()[:20], random_uuid()
    digest = hashlib.sha256(secret.encode()).hexdigest()
    arguments = {"id": identifier, "digest": digest, "owner": login.name, "roles": list(login.roles), "name": name}
    require_security_index(call)
    call.node.write("put_api_key", arguments, call.request)
    encoded = base64.b64encode(f"{identifier}:{secret}".encode()).decode()
    return json_response(200, {"id": identifier, "name": name, "api_key": secret, "encoded": encoded})


def delete_api_keys(call: Call) -> Response:
    """Keys of a name; other ways to choose some are not understood."""
    arguments = {"name": str(call.body().get("name", ""))}
    return json_response(200, call.node.write("delete_api_keys", arguments, call.request))


def certificates(call: Call) -> Response:
    """What the files of this node hold now, not what it serves: read from the disk at every call."""
    settings = call.node.settings
    found: list[ListedCertificate] = []
    try:
        for layer in (settings.transport, settings.http):
            found += list_certificates(layer.settings, settings.config)
    except SslConfigError as exc:
        raise ApiError(500, "ssl_config_exception", exc.summary) from exc
    rows = [_row(entry) for entry in dict.fromkeys(found)]
    return json_response(
        200, sorted(rows, key=lambda row: (row["path"], row["alias"] or "", not row["has_private_key"]))
    )


def _row(entry: ListedCertificate) -> Json:
    certificate = entry.certificate
    return {
        "path": entry.path,
        "format": entry.format,
        "alias": entry.alias,
        "subject_dn": _dn(certificate.subject),
        "serial_number": f"{certificate.serial_number:x}",
        "has_private_key": entry.has_private_key,
        "expiry": f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%S.000Z}",
        "issuer": _dn(certificate.issuer),
    }


def _dn(name: x509.Name) -> str:
    # Java prints the most specific part first, with a blank after each comma.
    return ", ".join(rdn.rfc4514_string() for rdn in reversed(name.rdns))


def _set_enabled(call: Call, *, enabled: bool) -> Response:
    user = call.parts[0]
    if not call.node.users.exists(user):
        raise _invalid(f"only existing users can be {'enabled' if enabled else 'disabled'}")
    require_security_index(call)
    return json_response(200, call.node.write("set_enabled", {"user": user, "enabled": enabled}, call.request))


def require_security_index(call: Call) -> None:
    """Makes the security index, or waits for it. Raises ApiError: its shard is not there yet."""
    call.node.await_master(call.request)
    if not security_ready(call.node.membership.state()):
        reason = "at least one primary shard for the index [.security-7] is unavailable"
        raise ApiError(503, "unavailable_shards_exception", reason)


def _login(call: Call) -> Login:
    if call.login is None:
        raise ApiError(401, "security_exception", "missing authentication credentials")
    return call.login


def _invalid(text: str) -> ApiError:
    return ApiError(400, "validation_exception", f"Validation Failed: 1: {text};")
