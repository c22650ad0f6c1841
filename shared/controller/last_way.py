"""The brake *last way in*, asked where it decides: would a change cut off the clients that matter?

What it needs beyond the reading is read once for a look, and only when a change that takes a way into the
server away is planned, proved, and held by no brake that comes before. A public way that surely stays needs
no reading at all. What is asked is pure and stands in ``shared.posture.ways.last_way``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.config.declared import declared_clients, declared_dns
from shared.controller.client_reading import ClientReading
from shared.controller.visit import Visit
from shared.guardrails.decide import comes_to_last_way_in
from shared.guardrails.question import Question
from shared.model import Change, ServerSnapshot, Snapshot
from shared.model.edits import apply_to
from shared.posture.policy import LAST_WAY_ASKS
from shared.posture.ways.last_way import never_privately, stays_public, why_cut_off
from shared.posture.ways.reach import networks_meant
from shared.posture.ways.world import Client, NetworkClient, World

MOST_NETWORKS: Final = 5
"""Of more networks that are linked no more are asked: one of them that reaches the server is enough."""


class LastWay:
    """Asks for the changes of one look at a server; of a subnet nothing is asked."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self.seen: Snapshot = visit.snapshot
        """The reading, with what was read for the answer where it was asked."""
        self._clients: ClientReading | None = None

    def asked(self, question: Question) -> Question:
        """The question with what *last way in* says of its change."""
        change = question.change
        if change is None or not question.policy.may_cut_off or not comes_to_last_way_in(question):
            return question
        why = self._why_cut_off(change)
        held = replace(question.assessment, last_way_in=True, notes=(why,))
        return replace(question, assessment=held) if why else question

    def _why_cut_off(self, change: Change) -> str:
        after = _server(apply_to(self._visit.snapshot, change))
        if stays_public(after):
            return ""
        return never_privately(after) or self._of_clients(_server(apply_to(self._reading.server, change)))

    @property
    def _reading(self) -> ClientReading:
        """Read when it is first asked for. No ``cached_property``, which before Python 3.12 holds a lock that
        all looks of a process share while Azure answers."""
        if self._clients is None:
            gateway = self._visit.deps.gateway
            self.seen = gateway.more(self._visit.snapshot, LAST_WAY_ASKS)
            self._clients = ClientReading(gateway, _server(self.seen))
        return self._clients

    def _of_clients(self, after: ServerSnapshot) -> str:
        """The first client that is declared and does not surely come in; with none declared, the first
        network, where none does. What comes after it is not read."""
        declared = declared_clients(self._visit.deps.configuration, after)
        if declared:
            whys = (self._of(client, after) for client in self._reading.clients(declared))
            return next((why for why in whys if why), "")
        found: list[str] = []
        for why in self._of_networks(after):
            if not why:
                return ""
            found.append(why)
        return next(iter(found), "no network is known in which the server's name could be resolved")

    def _of_networks(self, after: ServerSnapshot) -> Iterator[str]:
        for network in networks_meant(self._world(after))[:MOST_NETWORKS]:
            self._reading.network(network)
            yield self._of(NetworkClient(network=network), after)

    def _of(self, client: Client, after: ServerSnapshot) -> str:
        why = why_cut_off(self._world(after), client)
        return "; ".join([why, *self._reading.refused.values()]) if why else ""

    def _world(self, after: ServerSnapshot) -> World:
        declared = declared_dns(self._visit.deps.configuration, after)
        return World(server=after, declared=declared, networks=tuple(self._reading.networks.values()))


def _server(snapshot: Snapshot) -> ServerSnapshot:
    if not isinstance(snapshot, ServerSnapshot):
        raise TypeError(f"a server was expected, not {type(snapshot).__name__}")
    return snapshot
