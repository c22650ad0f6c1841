"""The server parameters that every simulated server has until one is set.

A small part of the real catalogue: the ones that network and security policies read, with the fields that
the `configurations` resource of flexible servers carries. Single servers lack the `is…` fields. A name
that is not here can still be seeded as a record of its own.
"""

from __future__ import annotations

from local.simulator.values import JsonObject

_BOOLEAN = "on,off"


def _parameter(
    value: str, kind: str, allowed: str, *, dynamic: bool = True, read_only: bool = False
) -> JsonObject:
    return {
        "value": value,
        "description": "",
        "defaultValue": value,
        "dataType": kind,
        "allowedValues": allowed,
        "source": "system-default",
        "isDynamicConfig": dynamic,
        "isReadOnly": read_only,
        "isConfigPendingRestart": False,
    }


PARAMETERS: dict[str, JsonObject] = {
    "azure.extensions": _parameter("", "Set", ".*"),
    "azure.fabric_mirror_enabled": _parameter("off", "Boolean", _BOOLEAN, dynamic=False),
    "connection_throttle.enable": _parameter("off", "Boolean", _BOOLEAN),
    "log_checkpoints": _parameter("on", "Boolean", _BOOLEAN),
    "log_connections": _parameter("on", "Boolean", _BOOLEAN),
    "log_disconnections": _parameter("off", "Boolean", _BOOLEAN),
    "log_line_prefix": _parameter("%t-%c-", "String", ".*"),
    "log_statement": _parameter("none", "Enumeration", "none,ddl,mod,all"),
    "logfiles.retention_days": _parameter("3", "Integer", "1-7"),
    "max_connections": _parameter("859", "Integer", "25-5000", dynamic=False),
    "pgaudit.log": _parameter("none", "Set", "none,read,write,function,role,ddl,misc,all"),
    "pgbouncer.enabled": _parameter("false", "Boolean", "true,false"),
    "require_secure_transport": _parameter("on", "Boolean", _BOOLEAN),
    "shared_preload_libraries": _parameter("pg_cron,pg_stat_statements", "Set", ".*", dynamic=False),
    "ssl_max_protocol_version": _parameter("", "Enumeration", ",TLSv1.2,TLSv1.3"),
    "ssl_min_protocol_version": _parameter("TLSv1.2", "Enumeration", "TLSv1.2,TLSv1.3"),
    "wal_level": _parameter("replica", "Enumeration", "replica,logical", dynamic=False),
}

_ONLY_FLEXIBLE = ("isDynamicConfig", "isReadOnly", "isConfigPendingRestart")


def for_single_server(parameter: JsonObject) -> JsonObject:
    return {name: value for name, value in parameter.items() if name not in _ONLY_FLEXIBLE}
