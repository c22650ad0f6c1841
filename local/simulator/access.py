"""Who calls, and what they may do: bearer tokens, role definitions, management locks.

A token is an unsigned JWT whose claims `appid`, `oid`, `name` and `upn` name the caller; nothing is
verified, only its presence is required. A caller listed in the roles may do the listed actions less the
`notActions` (wildcards, without case); a caller not listed may do everything. Locks are records of the
type `Microsoft.Authorization/locks`. What must not live here: routing, resource shapes.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from local.simulator.store import Record, Store
from local.simulator.values import ArmError, Caller, JsonObject, JsonValue, as_object, as_text, dig, key

LOCKS = "Microsoft.Authorization/locks"
_VERBS = {"PUT": "write", "PATCH": "write", "POST": "write", "DELETE": "delete"}


def fake_token(app_id: str, object_id: str, name: str, upn: str = "") -> str:
    """An unsigned JWT that carries these claims."""
    claims = {"appid": app_id, "oid": object_id, "name": name} | ({"upn": upn} if upn else {})
    return f"{_segment({'alg': 'none', 'typ': 'JWT'})}.{_segment(claims)}."


def _segment(value: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def caller_of(authorization: str) -> Caller:
    """The caller that an Authorization header names.

    A token that is no JWT is an anonymous caller named by its text. Raises ArmError 401 without a bearer
    token.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ArmError(
            HTTPStatus.UNAUTHORIZED,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing or holds no bearer token.",
            headers={"WWW-Authenticate": 'Bearer authorization_uri="https://login.example.invalid/"'},
        )
    claims = _claims(token.strip())
    if claims is None:
        return Caller(app_id=token.strip(), name=token.strip())
    return Caller(
        app_id=as_text(claims.get("appid")),
        object_id=as_text(claims.get("oid")),
        name=as_text(claims.get("name")),
        upn=as_text(claims.get("upn")),
    )


def _claims(token: str) -> JsonObject | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        return as_object(json.loads(base64.urlsafe_b64decode(padded)))
    except (binascii.Error, ValueError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What one caller may do, as a role definition says it: `actions` less `not_actions`, with wildcards."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        return any(_matches(one, action) for one in self.actions) and not any(
            _matches(one, action) for one in self.not_actions
        )

    def to_json(self) -> JsonValue:
        if not self.not_actions:
            return list(self.actions)
        return {"actions": list(self.actions), "notActions": list(self.not_actions)}


def may(roles: Mapping[str, Role], caller: Caller, action: str) -> bool:
    """Whether the roles let this caller do an action; a caller without an entry may do everything."""
    role = roles.get(caller.app_id.lower())
    return role is None or role.allows(action)


def _matches(pattern: str, action: str) -> bool:
    expression = ".*".join(re.escape(part) for part in pattern.lower().split("*"))
    return re.fullmatch(expression, action.lower()) is not None


def require(roles: Mapping[str, Role], caller: Caller, action: str, scope: str) -> None:
    """Raise 403 AuthorizationFailed, worded as ARM does, unless the caller may."""
    if may(roles, caller, action):
        return
    raise ArmError(
        HTTPStatus.FORBIDDEN,
        "AuthorizationFailed",
        f"The client '{caller.app_id}' with object id '{caller.object_id}' does not have authorization to "
        f"perform action '{action}' over scope '{scope}' or the scope is invalid. If access was "
        "recently granted, please refresh your credentials.",
        headers={"x-ms-failure-cause": "gateway"},
    )


def refuse_if_locked(store: Store, method: str, resource_id: str) -> None:
    """Raise 409 ScopeLocked where a lock at or above this id forbids the call.

    ReadOnly forbids writes, deletes and actions; CanNotDelete forbids deletes. A lock reaches everything
    below its scope, so one on a server also keeps its firewall rules.
    """
    if key(resource_id).find("/providers/microsoft.authorization/locks/") >= 0:
        return
    blocking = [lock for lock in store.of_type(LOCKS, "") if _blocks(lock, method, resource_id)]
    if not blocking:
        return
    scopes = ", ".join(f"'{lock.parent}'" for lock in blocking)
    raise ArmError(
        HTTPStatus.CONFLICT,
        "ScopeLocked",
        f"The scope '{resource_id}' cannot perform {_VERBS[method]} operation because following scope(s) are "
        f"locked: {scopes}. Please remove the lock and try again.",
    )


def _blocks(lock: Record, method: str, resource_id: str) -> bool:
    level = as_text(dig(lock.body, "properties", "level")).lower()
    reaches = f"{key(resource_id)}/".startswith(f"{key(lock.parent)}/")
    return reaches and (level == "readonly" or (level == "cannotdelete" and method == "DELETE"))
