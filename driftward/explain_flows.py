"""`python -m local explain-flows`: what the denied flows of a PostgreSQL subnet are, and the rules they take.

The steps are in ``driftward.flows``; here inputs are brought together, logs are read with their progress
shown, and the answer is written: as JSON for machines, through ``driftward.flows.show`` for people.

Exit codes: 0 answered, and no required traffic is known to be denied; 1 required platform traffic is denied
(with an NSG: and still is); 2 the input is unusable.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from driftward.flows.advice import advise
from driftward.flows.counting import Counting
from driftward.flows.inputs import Server, read_nsg_file, read_server_file, read_subnets, read_tags_file
from driftward.flows.labels import Features, Setting
from driftward.flows.progress import watched
from driftward.flows.report import Answer, Told, report, shell_lines
from driftward.flows.services import VIRTUAL_NETWORK, services_of
from driftward.flows.stream import BadLog, Faults, read_events
from shared.model import Json, SecurityGroup, SecurityRule
from shared.model.errors import ConfigurationError, GatewayError
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value
from shared.nsg import NsgError, Spans, Tags, spans_of
from shared.nsg.asking import BadInput

if TYPE_CHECKING:
    from driftward.flows.azure import Azure

_STANDARD_INPUT: Final = "-"
_DIRECTIONS: Final = {"inbound": False, "outbound": True}
_UNUSABLE: Final = (BadInput, BadLog, NsgError, GatewayError, ConfigurationError)


@value
class Known:
    """What is known besides the logs, from whatever source."""

    server: Server | None
    subnet: Spans
    group: SecurityGroup | None
    tags: Tags | None
    tags_from: Mapping[str, Json]
    notes: tuple[str, ...] = ()

    @property
    def setting(self) -> Setting:
        closed = self.tags.closed if self.tags else {}
        return Setting(
            subnet=self.subnet,
            services=services_of(closed) if self.tags else None,
            virtual_network=closed.get(VIRTUAL_NETWORK, ()),
            features=self.server.features if self.server else Features(),
        )


def explain_flows(given: Namespace) -> int:
    """Answer what the command line asks."""
    try:
        out, rules, group = _answered(given)
        return _write(out, rules, group, as_json=given.json)
    except _UNUSABLE as error:
        return _refused(error, as_json=given.json)
    except BrokenPipeError:
        # Whoever read the answer has left (`| head`). Python would fail once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _answered(given: Namespace) -> tuple[dict[str, Json], list[SecurityRule], SecurityGroup | None]:
    outbound = _direction(given.direction)
    known = _known(given)
    setting, faults = known.setting, Faults(strict=not given.partial)
    counting = Counting(setting, outbound=outbound)
    for path in given.logs:
        _count(path, counting, faults)
    advice = advise(counting.groups.values(), setting, known.group, known.tags or Tags())
    told = Told(
        files=given.logs,
        counting=counting,
        faults=faults,
        setting=setting,
        advice=advice,
        security_group=known.group,
        tags=known.tags_from,
        server=_server_view(known.server),
        notes=known.notes,
    )
    return report(told), [rule for found in advice.values() for rule in found.rules], known.group


def _direction(text: str | None) -> bool | None:
    if text is None:
        return None
    if text.strip().lower() not in _DIRECTIONS:
        raise BadInput(f"--direction is {text!r}; it is Inbound or Outbound", field="direction")
    return _DIRECTIONS[text.strip().lower()]


def _write(
    out: dict[str, Json], rules: Sequence[SecurityRule], group: SecurityGroup | None, *, as_json: bool
) -> int:
    if as_json:
        print(json.dumps(out, indent=2))
    else:
        from driftward.flows.show import show

        show(out, {rule.name: shell_lines(rule, group) for rule in rules})
    return 1 if out["answer"] == Answer.REQUIRED_DENIED else 0


def _refused(error: Exception, *, as_json: bool) -> int:
    """Say what is wrong, in words and with the names of option and rule where they are known."""
    field, rule = getattr(error, "field", ""), getattr(error, "rule", "")
    if as_json:
        print(json.dumps({"error": str(error), "field": field, "rule": rule or None}, indent=2))
    print(str(error), file=sys.stderr)
    return 2


# --- the logs --------------------------------------------------------------------------------------


def _count(path: str, counting: Counting, faults: Faults) -> None:
    """Read one log. Raises ``BadLog`` that names the file and the place in it."""
    try:
        with _opened(path) as (source, size), watched(source, size) as pieces:
            counting.take(read_events(pieces, faults))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", field="logs") from error
    except BadLog as error:
        raise BadLog(f"{path}: {error}") from error


@contextmanager
def _opened(path: str) -> Iterator[tuple[BinaryIO, int | None]]:
    if path == _STANDARD_INPUT:
        yield sys.stdin.buffer, None
        return
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        yield file, size or None


# --- what is known besides -------------------------------------------------------------------------


def _known(given: Namespace) -> Known:
    """Files where options name them; Azure for the rest, where an id or a subscription is given."""
    server_id = _server_id(given.server)
    with ExitStack() as stack:
        azure = None
        if server_id is not None or given.subscription is not None:
            from driftward.flows.azure import Azure

            azure = stack.enter_context(closing(Azure()))
        if azure is not None and server_id is not None:
            return _known_of(azure, azure.server(server_id), given)
        server = read_server_file(given.server) if given.server is not None else None
        tags, tags_from = _tags(given, azure, server)
        return Known(
            server=server,
            subnet=read_subnets(given.subnet or ()),
            group=_group(given),
            tags=tags,
            tags_from=tags_from,
            notes=_about_server(server),
        )


def _server_id(text: str | None) -> ResourceId | None:
    """An id, unless there is a file of that name."""
    found = parse_resource_id(text)
    return found if found is not None and text is not None and not Path(text).exists() else None


def _known_of(azure: Azure, server: Server, given: Namespace) -> Known:
    """What Azure says of a server that was given as an id, where no option says otherwise."""
    tags, tags_from = _tags(given, azure, server)
    group, subnet = _group(given), read_subnets(given.subnet or ())
    if server.subnet is not None and (group is None or not subnet):
        found = azure.subnet(server.subnet)
        group, subnet = group or found.security_group, subnet or spans_of(found.prefixes)
    return Known(
        server=server,
        subnet=subnet,
        group=group,
        tags=tags,
        tags_from=tags_from,
        notes=_about_server(server),
    )


def _group(given: Namespace) -> SecurityGroup | None:
    return None if given.nsg is None else read_nsg_file(given.nsg, given.nsg_name)


def _tags(
    given: Namespace, azure: Azure | None, server: Server | None
) -> tuple[Tags | None, Mapping[str, Json]]:
    """The prefixes of service tags and where they are from; None where nothing gives them."""
    if given.tags is not None:
        return read_tags_file(given.tags), {"source": given.tags}
    location = given.location or (server.location if server else "")
    subscription = given.subscription or (server.id.subscription if server and server.id else "")
    if azure is None:
        if given.location is not None:
            raise BadInput("--location goes with --subscription", field="subscription")
        return None, {}
    if not location:
        raise BadInput("--location is missing: whose copy of the service tags", field="location")
    listed = azure.tags(subscription, location)
    read_at = listed.read_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return listed.tags, {
        "source": f"service tags of {location}",
        "changeNumber": listed.change_number,
        "readAt": read_at,
    }


def _about_server(server: Server | None) -> tuple[str, ...]:
    if server is None or server.subnet is not None:
        return ()
    name = server.name or "the server"
    return (f"{name} is in no delegated subnet: what it calls does not pass an NSG of yours",)


def _server_view(server: Server | None) -> dict[str, Json] | None:
    if server is None:
        return None
    return {
        "id": None if server.id is None else str(server.id),
        "name": server.name,
        "location": server.location,
        "subnetId": None if server.subnet is None else str(server.subnet),
        "entraSignIn": server.features.entra,
        "customerKey": server.features.customer_key,
        "highAvailabilityOrPgBouncer": server.features.pooled,
    }
