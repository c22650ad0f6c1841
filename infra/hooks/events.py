"""Subscribes the app to the events of every subscription that it watches. azd runs it after the deployment.

Event Grid refuses a function that the app has not indexed yet, so this comes last and is repeated for some
minutes. One system topic is allowed for a subscription: one that is there is used, whoever made it, and is
only given an identity of its own where it has none. Everything else is `infra/events.bicep`, and running
this again changes nothing.

Nothing but Python's standard library and `az` is needed; without azd it is `azd env get-values`' variables
that it reads. Exit codes: 0 subscribed, 1 refused (the reason and its remedy are printed), 2 a variable is
absent.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).resolve().parents[1] / "events.bicep"
NEEDED = (
    "AZURE_LOCATION",
    "AZURE_RESOURCE_GROUP",
    "DRIFTWARD_APP_ID",
    "DRIFTWARD_STORAGE_ID",
    "DRIFTWARD_SUBSCRIPTIONS",
    "DRIFTWARD_DELIVERY",
)
API_VERSION = "2025-02-15"
SOURCE_TYPE = "microsoft.resources.subscriptions"
ATTEMPTS = 20
PAUSE = 15.0
"""Seconds between two of them: five minutes in all."""


class Refused(Exception):
    """Azure, or `az`, said no. The text is what it said."""


@dataclass(frozen=True)
class Reason:
    """Why a deployment is refused: what is found in the words of the refusal, and what to do."""

    words: str
    means: str
    passes: bool = False
    """Whether it may be otherwise in a minute."""


REASONS = (
    Reason("Destination endpoint not found", "the app has not indexed its functions yet", passes=True),
    Reason("supports EventGrid Trigger type only", "the app has not indexed its functions yet", passes=True),
    Reason("PrincipalNotFound", "the topic's identity is not known everywhere yet", passes=True),
    Reason(
        "Only one system topic is allowed per source",
        "somebody has just made a topic; it is used",
        passes=True,
    ),
    Reason("another operation is in progress", "Azure is still at work on the topic", passes=True),
    Reason(
        "System topic source cannot be modified",
        "a topic named driftward-events is there for another source: delete or rename that",
    ),
    Reason(
        "is not registered to use namespace",
        "register it: az provider register --namespace Microsoft.EventGrid --wait"
        " --subscription {subscription}",
    ),
    Reason(
        "AuthorizationFailed",
        "whoever deploys must be Contributor and Role Based Access Control Administrator in {subscription}"
        " and of the app's storage account",
    ),
    Reason(
        "Unauthorized",
        "App Service authentication stands before Event Grid's webhook: its excluded paths must be those of"
        " docs/sign-in/auth-settings.json (azd provision sets them)",
    ),
    Reason(
        "rusted",
        "the storage account's firewall must let trusted Azure services in (azd provision sets it)",
    ),
    Reason(
        "Forbidden",
        "nobody outside reaches the app: azd env set NETWORK closed, azd provision, and events come by"
        " the queue",
    ),
    Reason(
        "RoleAssignmentExists",
        "somebody gave the topic's identity that role by hand: take it away, it is made anew",
    ),
    Reason("az login", "sign in: az login, and az account set --subscription {subscription}"),
)
NOT_KNOWN = Reason("", "docs/infrastructure.md lists what was seen so far")


@dataclass(frozen=True)
class Topic:
    """A system topic as it is."""

    id: str
    name: str
    group: str
    identity: Mapping[str, Any]

    @property
    def has_own_identity(self) -> bool:
        return "systemassigned" in str(self.identity.get("type") or "").lower().replace(" ", "")


def main(
    environment: Mapping[str, str],
    say: Callable[[str], object] = print,
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """Subscribe every subscription; the first that is refused ends it."""
    absent = [name for name in NEEDED if not environment.get(name)]
    if absent:
        say("absent: " + ", ".join(absent) + " (outputs of infra/main.bicep: azd provision)")
        return 2
    for subscription in environment["DRIFTWARD_SUBSCRIPTIONS"].split():
        try:
            subscribe(subscription, environment, say, sleep)
        except Refused as refusal:
            reason = reason_of(str(refusal))
            say(str(refusal).strip())
            say(f"not subscribed to {subscription}: " + reason.means.format(subscription=subscription))
            return 1
        say(f"subscribed to the events of {subscription}")
    return 0


def subscribe(
    subscription: str,
    environment: Mapping[str, str],
    say: Callable[[str], object],
    sleep: Callable[[float], object],
) -> None:
    """Deploy the events of one subscription; repeated while what refuses it may pass. Raises Refused."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            topic = usable_topic(subscription)
            az("deployment", "sub", "create", *arguments(subscription, topic, environment))
            return
        except Refused as refusal:
            reason = reason_of(str(refusal))
            if not reason.passes or attempt == ATTEMPTS:
                raise
            say(f"{reason.means}; asked again in {PAUSE:.0f} s ({attempt} of {ATTEMPTS})")
            sleep(PAUSE)


def usable_topic(subscription: str) -> Topic | None:
    """The subscription's system topic, given an identity of its own; None where there is none."""
    topic = topic_of(subscription)
    if topic is not None and not topic.has_own_identity:
        give_identity(topic)
    return topic


def topic_of(subscription: str) -> Topic | None:
    """The one system topic that Azure allows for this source, however its id is spelled."""
    source = f"/subscriptions/{subscription}".lower()
    for one in az("eventgrid", "system-topic", "list", "--subscription", subscription):
        is_source = str(one.get("source") or "").rstrip("/").lower() == source
        if is_source and str(one.get("topicType") or "").lower() == SOURCE_TYPE:
            parts = one["id"].split("/")
            return Topic(id=one["id"], name=parts[-1], group=parts[4], identity=one.get("identity") or {})
    return None


def give_identity(topic: Topic) -> None:
    """A system-assigned one beside those that it has: a firewall lets Event Grid in by that alone."""
    others: dict[str, Any] = {name: {} for name in topic.identity.get("userAssignedIdentities") or {}}
    identity: dict[str, Any] = {"type": "SystemAssigned"}
    if others:
        identity = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": others}
    body = json.dumps({"identity": identity})
    az("rest", "--method", "patch", "--url", f"{topic.id}?api-version={API_VERSION}", "--body", body)


def arguments(subscription: str, topic: Topic | None, environment: Mapping[str, str]) -> list[str]:
    """Of the deployment of ``events.bicep``."""
    location, group = environment["AZURE_LOCATION"], environment["AZURE_RESOURCE_GROUP"]
    parameters = {
        "location": location,
        "topicGroup": topic.group if topic else group,
        "topicExists": json.dumps(topic is not None),
        "groupExists": json.dumps(topic is not None or group_exists(subscription, group)),
        "appId": environment["DRIFTWARD_APP_ID"],
        "storageId": environment["DRIFTWARD_STORAGE_ID"],
        "delivery": environment["DRIFTWARD_DELIVERY"],
        "actionGroupId": environment.get("DRIFTWARD_ACTION_GROUP_ID", ""),
    }
    if topic:
        parameters["topicName"] = topic.name
    where = ["--subscription", subscription, "--location", location, "--name", "driftward-events"]
    return [
        *where,
        "--template-file",
        str(TEMPLATE),
        "--parameters",
        *(f"{k}={v}" for k, v in parameters.items()),
    ]


def group_exists(subscription: str, group: str) -> bool:
    return az("group", "exists", "--subscription", subscription, "--name", group) is True


def reason_of(refusal: str) -> Reason:
    """What a refusal means, by its words."""
    found = (reason for reason in REASONS if reason.words.lower() in refusal.lower())
    return next(found, NOT_KNOWN)


def az(*words: str) -> Any:
    """What `az` answers, read. Raises Refused."""
    program = shutil.which("az")
    if program is None:
        raise Refused("az is not on the path: https://learn.microsoft.com/cli/azure/install-azure-cli")
    command: Sequence[str] = [program, *words, "--output", "json"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr or done.stdout)
    return json.loads(done.stdout or "null")


if __name__ == "__main__":
    sys.exit(main(os.environ))
