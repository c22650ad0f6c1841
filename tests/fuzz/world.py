"""A world in which all is well, and what must still be true of it when nonsense has been played to it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.model.alert_records import AlertRecord
from shared.model.change_records import ChangeRecord
from shared.model.resource_id import ResourceId
from tests.builders import ALL_AZURE, GROUP, OFFICE, public_server, server, subnet
from tests.fakes import World


def at_ease() -> World:
    """A server and a subnet, compliant and known; elsewhere a change that was made, and its alert."""
    world = World()
    other = ResourceId(f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/mended")
    world.azure.put(public_server(id=other))
    world.look(public_server(id=other).target)
    for one in (server(), subnet()):
        world.azure.put(one)
        world.look(one.target)
    world.drain()
    world.azure.put(public_server(id=other, firewall_rules=(OFFICE, ALL_AZURE)))
    world.look(public_server(id=other).target)
    world.drain(5)
    return world


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a world held before: writes to Azure, changes in the journal, alerts that are open."""

    writes: int
    changes: tuple[ChangeRecord, ...]
    alerts: frozenset[str]

    @classmethod
    def of(cls, world: World) -> Kept:
        return cls(
            writes=len(world.azure.writes),
            changes=tuple(world.store.changes()),
            alerts=frozenset(map(_told, world.store.alerts())),
        )

    def check(self, world: World) -> None:
        """Nothing was written, and no change came, went or is another one."""
        now = Kept.of(world)
        assert now.writes == self.writes, world.azure.writes[self.writes :]
        assert now.changes == self.changes

    def check_alerts(self, world: World) -> None:
        """What was open is open: no alert was lost or resolved."""
        lost = self.alerts - Kept.of(world).alerts
        assert not lost, lost


def _told(alert: AlertRecord) -> str:
    return f"{alert.id} {alert.status}"
