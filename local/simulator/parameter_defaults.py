"""The server parameters that every simulated server has until one is set, by its kind and version.

A part of the real catalogue: what network, logging and security policies read. Values, types and ranges of
flexible servers follow Azure's parameter pages for versions 11 to 18 (MicrosoftDocs/azure-databases-docs,
`articles/postgresql/server-parameters`) and the example of `ConfigurationsListByServer`; single servers have
names of their own and lack the `is…` fields. Two differences matter: `log_connections` is a Set from version
18 on, and `connection_throttle.enable` ends with version 15. The TLS versions below 1.2 that versions 12 and
13 list here are ours: Azure offers none of them today, and a drift to them needs a server that takes them. A
name that is not here can still be seeded as a record of its own. Pure; what must not live here: writing a
parameter (`configurations.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from local.simulator.values import JsonObject, as_text

_SWITCH = "on,off"
_TEXT = "[^']*"
_TLS = "TLSv1.2,TLSv1.3"
_OLD_TLS = f"TLSv1,TLSv1.1,{_TLS}"
_PASSWORDS = "md5,scram-sha-256"
_LATEST = 99
_EXTENSIONS = (
    ",address_standardizer,amcheck,azure_ai,azure_storage,bloom,btree_gin,btree_gist,citext,cube,dblink,"
    "fuzzystrmatch,hll,hstore,hypopg,intarray,isn,lo,ltree,orafce,pageinspect,pg_buffercache,pg_cron,"
    "pg_hint_plan,pg_partman,pg_prewarm,pg_repack,pg_squeeze,pg_stat_statements,pg_trgm,pgaudit,pgcrypto,"
    "pglogical,pgrouting,pgrowlocks,pgstattuple,plpgsql,plv8,postgis,postgres_fdw,semver,sslinfo,tablefunc,"
    "timescaledb,tsm_system_rows,unaccent,uuid-ossp,vector"
)
_LIBRARIES = (
    ",anon,auto_explain,azure_storage,pg_cron,pg_hint_plan,pg_partman_bgw,pg_prewarm,pg_squeeze,"
    "pg_stat_statements,pgaudit,pglogical,timescaledb,wal2json"
)
_AUDITED = "none,read,write,function,role,ddl,misc,all"
_AUDIT_LEVELS = "debug5,debug4,debug3,debug2,debug1,info,notice,warning,log"
_LEVELS = "debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic"
_ASPECTS = "on,off,receipt,authentication,authorization,setup_durations,all"
_RANGE = re.compile(r"(?P<low>-?[\d.]+)-(?P<high>-?[\d.]+(?:e\+\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parameter:
    """One parameter; `first` and `last` are the major versions that have it so."""

    name: str
    value: str
    kind: str = "Boolean"
    allowed: str = _SWITCH
    dynamic: bool = True
    read_only: bool = False
    first: int = 0
    last: int = _LATEST

    def body(self, flexible: bool) -> JsonObject:
        shown: JsonObject = {
            "value": self.value,
            "description": "",
            "defaultValue": self.value,
            "dataType": self.kind,
            "allowedValues": self.allowed,
            "source": "system-default",
        }
        if not flexible:
            return shown
        return shown | {
            "isDynamicConfig": self.dynamic,
            "isReadOnly": self.read_only,
            "isConfigPendingRestart": False,
        }


_FLEXIBLE: tuple[_Parameter, ...] = (
    _Parameter(name="azure.accepted_password_auth_method", value=_PASSWORDS, kind="Set", allowed=_PASSWORDS),
    _Parameter(name="azure.extensions", value="", kind="Set", allowed=_EXTENSIONS),
    _Parameter(name="azure.fabric_mirror_enabled", value="off", dynamic=False),
    _Parameter(name="connection_throttle.enable", value="off", last=15),
    _Parameter(name="log_checkpoints", value="on"),
    _Parameter(name="log_connections", value="on", last=17),
    _Parameter(name="log_connections", value="on", kind="Set", allowed=_ASPECTS, first=18),
    _Parameter(name="log_disconnections", value="on"),
    _Parameter(name="log_duration", value="off"),
    _Parameter(name="log_line_prefix", value="%t-%c-", kind="String", allowed=_TEXT),
    _Parameter(name="log_min_messages", value="warning", kind="Enumeration", allowed=_LEVELS),
    _Parameter(name="log_replication_commands", value="on", read_only=True),
    _Parameter(name="log_statement", value="none", kind="Enumeration", allowed="none,ddl,mod,all"),
    _Parameter(name="logfiles.download_enable", value="off"),
    _Parameter(name="logfiles.retention_days", value="3", kind="Integer", allowed="1-7"),
    _Parameter(name="max_connections", value="859", kind="Integer", allowed="25-5000", dynamic=False),
    _Parameter(name="password_encryption", value="md5", kind="Enumeration", allowed=_PASSWORDS, last=13),
    _Parameter(
        name="password_encryption", value="scram-sha-256", kind="Enumeration", allowed=_PASSWORDS, first=14
    ),
    _Parameter(name="pgaudit.log", value="none", kind="Set", allowed=_AUDITED),
    _Parameter(name="pgaudit.log_client", value="off"),
    _Parameter(name="pgaudit.log_level", value="log", kind="Enumeration", allowed=_AUDIT_LEVELS),
    _Parameter(name="pgbouncer.enabled", value="false", allowed="true,false"),
    _Parameter(name="require_secure_transport", value="on"),
    _Parameter(
        name="shared_preload_libraries",
        value="pg_cron,pg_stat_statements",
        kind="Set",
        allowed=_LIBRARIES,
        dynamic=False,
    ),
    _Parameter(name="ssl", value="on", read_only=True),
    _Parameter(
        name="ssl_max_protocol_version",
        value="",
        kind="Enumeration",
        allowed=f",{_OLD_TLS}",
        first=12,
        last=13,
    ),
    _Parameter(name="ssl_max_protocol_version", value="", kind="Enumeration", allowed=f",{_TLS}", first=14),
    _Parameter(
        name="ssl_min_protocol_version",
        value="TLSv1.2",
        kind="Enumeration",
        allowed=_OLD_TLS,
        first=12,
        last=13,
    ),
    _Parameter(name="ssl_min_protocol_version", value="TLSv1.2", kind="Enumeration", allowed=_TLS, first=14),
    _Parameter(
        name="wal_level", value="replica", kind="Enumeration", allowed="replica,logical", dynamic=False
    ),
)

_SINGLE: tuple[_Parameter, ...] = (
    _Parameter(
        name="azure.replication_support",
        value="REPLICA",
        kind="Enumeration",
        allowed="OFF,REPLICA,LOGICAL",
    ),
    _Parameter(name="connection_throttling", value="on"),
    _Parameter(name="log_checkpoints", value="on"),
    _Parameter(name="log_connections", value="on"),
    _Parameter(name="log_disconnections", value="off"),
    _Parameter(name="log_duration", value="off"),
    _Parameter(name="log_line_prefix", value="%t-%c-", kind="String", allowed=_TEXT),
    _Parameter(name="log_min_messages", value="warning", kind="Enumeration", allowed=_LEVELS),
    _Parameter(name="log_retention_days", value="3", kind="Integer", allowed="1-7"),
    _Parameter(name="log_statement", value="none", kind="Enumeration", allowed="none,ddl,mod,all"),
    _Parameter(name="pgaudit.log", value="none", kind="Set", allowed=_AUDITED),
    _Parameter(name="shared_preload_libraries", value="", kind="Set", allowed=_LIBRARIES),
)


@cache
def catalogue(version: str, flexible: bool) -> dict[str, JsonObject]:
    """Every parameter of a server of this version, by name, in the order of names; not to be changed."""
    digits = re.match(r"\d+", version)
    major = int(digits[0]) if digits else _LATEST
    listed = _FLEXIBLE if flexible else _SINGLE
    return {one.name: one.body(flexible) for one in listed if one.first <= major <= one.last}


def accepts(parameter: JsonObject, value: str) -> bool:
    """Whether the service would take this value: by the list, the range or the pattern in
    `allowedValues`.

    The members of a Set stand between commas, and a member may be subtracted (`all,-misc`, pgAudit). A
    parameter without `allowedValues` takes everything.
    """
    allowed = as_text(parameter.get("allowedValues"))
    if not allowed or value == parameter.get("defaultValue"):
        return True
    listed = [one.strip() for one in allowed.split(",")]
    match parameter.get("dataType"):
        case "Boolean" | "Enumeration":
            return value in listed
        case "Set":
            return all(one.strip().removeprefix("-") in listed for one in value.split(","))
        case "Integer" | "Numeric" as kind:
            return _in_range(value, allowed, whole=kind == "Integer")
        case _:
            return re.fullmatch(allowed, value) is not None


def _in_range(value: str, allowed: str, *, whole: bool) -> bool:
    ends = _RANGE.fullmatch(allowed)
    if ends is None or not re.fullmatch(r"-?\d+" if whole else r"-?\d+(\.\d+)?", value):
        return False
    return float(ends["low"]) <= float(value) <= float(ends["high"])
