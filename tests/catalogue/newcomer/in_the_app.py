"""Run in the copy: prints what the app's API and a sweep say of the newcomer, as JSON."""

import json
import sys

from shared.api.http import ApiRequest
from shared.api.routes import list_policies
from shared.model.alert_records import AlertRecord
from shared.model.resource_id import ResourceId
from tests.catalogue.scenario import catalogue
from tests.catalogue.stage import opened


def main(policy: str) -> None:
    scenario = catalogue().main[policy]
    with opened() as stage:
        play = stage.play_on(scenario.seed, "version: 1", ResourceId(scenario.resource))
        play.drift(scenario.drift)
        play.sweep()
        alerts: list[AlertRecord] = play.store.alerts(policy=policy)
        listed = list_policies(ApiRequest(), play.deps()).body
    told = [{"resourceId": str(alert.resource_id), "reason": alert.reason} for alert in alerts]
    print(json.dumps({"api": [one["id"] for one in listed], "alerts": told}))


main(sys.argv[1])
