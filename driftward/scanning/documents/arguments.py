"""Which argument of a server decides a finding, in Terraform and in ARM, and the value that mends it.

Only where one value of the server itself decides: a rule or a parameter is a resource of its own. Names are
azurerm's (4 and 5, ``azurerm_postgresql_flexible_server``) and ARM's (``properties`` of a flexible server).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model.values import value


@value
class Argument:
    """``terraform`` and ``arm`` are paths, blocks first; the values are as each language writes them."""

    terraform: tuple[str, ...]
    arm: tuple[str, ...]
    terraform_value: str
    arm_value: str


def _switch(terraform: tuple[str, ...], arm: tuple[str, ...], *, on: bool) -> Argument:
    return Argument(
        terraform=terraform,
        arm=arm,
        terraform_value=str(on).lower(),
        arm_value="'Enabled'" if on else "'Disabled'",
    )


ARGUMENTS: Final[Mapping[str, Argument]] = {
    "postgres-public-access-enabled": _switch(
        ("public_network_access_enabled",), ("network", "publicNetworkAccess"), on=False
    ),
    "postgres-entra-sign-in-off": _switch(
        ("authentication", "active_directory_auth_enabled"), ("authConfig", "activeDirectoryAuth"), on=True
    ),
    "postgres-password-sign-in-on": _switch(
        ("authentication", "password_auth_enabled"), ("authConfig", "passwordAuth"), on=False
    ),
    "postgres-geo-redundant-backup-off": _switch(
        ("geo_redundant_backup_enabled",), ("backup", "geoRedundantBackup"), on=True
    ),
    "postgres-backup-retention-short": Argument(
        terraform=("backup_retention_days",),
        arm=("backup", "backupRetentionDays"),
        terraform_value="35",
        arm_value="35",
    ),
    "postgres-high-availability-off": Argument(
        terraform=("high_availability", "mode"),
        arm=("highAvailability", "mode"),
        terraform_value='"ZoneRedundant"',
        arm_value="'ZoneRedundant'",
    ),
}
