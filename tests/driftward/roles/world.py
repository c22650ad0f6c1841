"""A server as the service keeps it, with the service's roles and functions stood in for by SQL of the same
shape; and what people did to another one, a fault for each check and more.

Shapes: "SCRAM authentication" and "Manage Microsoft Entra roles" of Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from shared.model.values import value

NO_FAULT: Final = (
    "CREATE ROLE azure_pg_admin",
    "CREATE ROLE replication REPLICATION",
    "CREATE ROLE pgadmin LOGIN CREATEROLE CREATEDB BYPASSRLS IN ROLE azure_pg_admin",
    'CREATE ROLE "dba@contoso.com" LOGIN CREATEROLE CREATEDB IN ROLE azure_pg_admin',
    "CREATE ROLE shop_owner",
    "CREATE ROLE shop_api LOGIN IN ROLE shop_owner",
    "CREATE ROLE auditor LOGIN IN ROLE pg_read_all_stats, pg_read_all_settings",
    "CREATE DATABASE shop OWNER shop_owner",
    "CREATE DATABASE azure_maintenance",
    "REVOKE ALL ON DATABASE shop, postgres FROM PUBLIC",
    "GRANT CONNECT ON DATABASE shop, postgres TO auditor, shop_api",
    """CREATE FUNCTION pg_catalog.pgaadauth_list_principals(only_admins boolean)
    RETURNS TABLE (rolname name, principaltype text, objectid text, tenantid text, ismfa int, isadmin int)
    LANGUAGE sql STABLE AS $$ SELECT * FROM (VALUES
      ('dba@contoso.com'::name, 'user', '11111111-1111-4111-8111-111111111111', 'tenant', 0, 1),
      ('shop_api'::name, 'service', '22222222-2222-4222-8222-222222222222', 'tenant', 0, 0)) AS listed
      (rolname, principaltype, objectid, tenantid, ismfa, isadmin) WHERE NOT only_admins OR isadmin = 1 $$""",
    """CREATE FUNCTION public.azure_roles_authtype() RETURNS TABLE (rolename name, authtype text)
    LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT rolname, CASE
      WHEN NOT rolcanlogin OR rolpassword IS NULL THEN 'NOLOGIN'
      WHEN rolpassword LIKE 'md5%' THEN 'MD5' ELSE 'SCRAM-256' END FROM pg_authid $$""",
)
IN_SHOP: Final = ("CREATE SCHEMA orders AUTHORIZATION shop_owner",)


@value
class Fault:
    """What somebody did, and who is to find it."""

    check: str
    named: str
    """What its finding must name."""
    statements: tuple[str, ...]
    database: str = "postgres"


HOSTILE: Final = 'rm"; DROP ROLE auditor; --\nSQL\u202e\x1b[31m'
"""A role's name that ends a quotation, a line and a colour."""
_HOSTILE: Final = '"' + HOSTILE.replace('"', '""') + '"'

FAULTS: Final = (
    Fault(check="postgres-role-superuser", named="mallory", statements=("CREATE ROLE mallory SUPERUSER",)),
    Fault(
        check="postgres-role-creates-roles",
        named="helpdesk",
        statements=("CREATE ROLE helpdesk CREATEROLE",),
    ),
    Fault(
        check="postgres-role-bypasses-row-security",
        named="reporter",
        statements=("CREATE ROLE reporter BYPASSRLS",),
    ),
    Fault(check="postgres-role-replicates", named="copier", statements=("CREATE ROLE copier REPLICATION",)),
    Fault(
        check="postgres-role-in-azure-pg-admin",
        named="intern",
        statements=("CREATE ROLE intern IN ROLE azure_pg_admin",),
    ),
    Fault(
        check="postgres-role-in-azure-pg-admin",
        named="deputy",
        statements=("CREATE ROLE deputy IN ROLE pgadmin",),
    ),
    Fault(
        check="postgres-role-in-powerful-role",
        named="exporter",
        statements=("CREATE ROLE exporter IN ROLE pg_read_server_files",),
    ),
    Fault(
        check="postgres-login-password-not-scram",
        named="old_app",
        statements=(
            "SET password_encryption = 'md5'",
            "CREATE ROLE old_app LOGIN PASSWORD 'x' VALID UNTIL '2099-01-01' IN ROLE shop_owner",
            "RESET password_encryption",
        ),
    ),
    Fault(
        check="postgres-login-local-beside-entra",
        named="local_app",
        statements=("CREATE ROLE local_app LOGIN PASSWORD 'x' VALID UNTIL '2099-01-01' IN ROLE shop_owner",),
    ),
    Fault(
        check="postgres-login-without-expiry",
        named="forever",
        statements=("CREATE ROLE forever LOGIN PASSWORD 'x' VALID UNTIL 'infinity' IN ROLE shop_owner",),
    ),
    Fault(
        check="postgres-role-unused", named="DROP ROLE auditor", statements=(f"CREATE ROLE {_HOSTILE} LOGIN",)
    ),
    Fault(
        check="postgres-public-rights-on-database",
        named="shop",
        statements=("GRANT CREATE, CONNECT ON DATABASE shop TO PUBLIC",),
    ),
    Fault(
        check="postgres-public-rights-on-schema",
        named="public",
        statements=("GRANT CREATE ON SCHEMA public TO PUBLIC",),
        database="shop",
    ),
    Fault(
        check="postgres-setting-differs-from-azure",
        named="log_statement",
        statements=("ALTER ROLE shop_api IN DATABASE shop SET log_statement = none",),
    ),
)
"""A session without TLS is one that a test has open."""
