"""What is asked of a server, from version 11 on. Every name is PostgreSQL's own; nothing is written.

Sources: PostgreSQL manual, system catalogs and "System Information Functions"; the service's functions are
those of "SCRAM authentication" and "Manage Microsoft Entra roles" of Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

WHO: Final = """
SELECT current_setting('server_version_num')::int, current_user::text,
  pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
"""

ROLES: Final = """
SELECT r.rolname::text, r.oid >= 16384 AND r.rolname <> ALL (%s) AS ours, r.rolsuper, r.rolcreaterole,
  r.rolreplication, r.rolbypassrls, r.rolcanlogin,
  r.rolvaliduntil IS NOT NULL AND isfinite(r.rolvaliduntil) AS expires,
  EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid
    AND d.classid <> 'pg_auth_members'::regclass) AS holds
FROM pg_roles r ORDER BY r.rolname
"""
"""Below 16384 are the oids that initdb gives (``FirstNormalObjectId``)."""

MEMBERSHIPS: Final = """
SELECT r.rolname::text, m.rolname::text, coalesce(g.rolname::text, '')
FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
LEFT JOIN pg_roles g ON g.oid = a.grantor ORDER BY 1, 2, 3
"""

DATABASES: Final = """
SELECT d.datname::text, NOT d.datistemplate AND d.datname <> ALL (%s) AS ours,
  d.datallowconn AND has_database_privilege(d.oid, 'CONNECT') AS opens,
  ARRAY(SELECT DISTINCT a.privilege_type::text
    FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE a.grantee = 0 ORDER BY 1)
FROM pg_database d ORDER BY d.datname
"""

SCHEMAS: Final = """
SELECT n.nspname::text,
  n.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_namespace'::regclass
    AND e.objid = n.oid AND e.deptype = 'e') AND o.rolname <> ALL (%s) AS ours,
  ARRAY(SELECT DISTINCT a.privilege_type::text
    FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a WHERE a.grantee = 0 ORDER BY 1)
FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner
WHERE n.nspname !~ '^pg_(toast|temp)' ORDER BY n.nspname
"""

SESSIONS: Final = """
SELECT a.usename::text, coalesce(a.datname::text, ''), a.client_addr::text, coalesce(s.ssl, false)
FROM pg_stat_activity a LEFT JOIN pg_stat_ssl s USING (pid)
WHERE a.client_addr IS NOT NULL AND a.backend_type IN ('client backend', 'walsender')
  AND a.usename IS NOT NULL AND a.usename <> ALL (%s) ORDER BY 1, 2, 3
"""

SETTINGS: Final = """
SELECT name::text, coalesce(setting, ''), coalesce(unit, ''), pending_restart
FROM pg_settings WHERE source IN ('default', 'configuration file', 'command line', 'environment variable')
ORDER BY name
"""
"""What holds for this session alone says nothing of the server."""

OVERRIDES: Final = """
SELECT coalesce(r.rolname::text, ''), coalesce(d.datname::text, ''), c.pair
FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
LEFT JOIN pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL unnest(s.setconfig) AS c (pair) ORDER BY 1, 2, 3
"""

FUNCTION: Final = """
SELECT n.nspname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_roles o ON o.oid = p.proowner
WHERE p.proname = %s AND p.pronargs = %s AND o.rolsuper AND has_function_privilege(p.oid, 'EXECUTE')
ORDER BY n.nspname <> 'pg_catalog', 1 LIMIT 1
"""
"""Where a function of the service's is. One of the same name that somebody else made is not called: it would
run with the rights of whoever audits."""

STORED: Final = """
SELECT rolname::text, CASE WHEN rolpassword IS NULL THEN '' WHEN rolpassword ~ '^md5[0-9a-f]{32}$' THEN 'MD5'
  WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'SCRAM-256' ELSE 'unknown' END
FROM pg_authid
"""
"""For superusers alone, and so never on the service. The verifier itself does not leave the server."""

LABELS: Final = """
SELECT r.rolname::text, ',' || l.label || ',' LIKE '%,admin,%'
FROM pg_shseclabel l JOIN pg_roles r ON r.oid = l.objoid
WHERE l.classoid = 'pg_authid'::regclass AND l.provider = 'pgaadauth' ORDER BY 1
"""
"""How the service itself marks a role as Entra's: ``aadauth,oid=…,type=user,admin``."""
