"""A stand-in for `az`, `curl` and `make` beside a page that is pasted: it records, and refuses what is early.

Run by the shell under one of these names. What has happened so far is a JSON file (`STAND_IN_STATE`); each
call is appended to it. It knows the commands that it knows: any other ends with 64, so that a page cannot
grow one that nobody has thought about. What Azure refuses in an order is refused here: a role on something
that is not there, an event subscription to a function that is not published, or whose dead letters nobody may
write.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Said = dict[str, list[str]]
State = dict[str, Any]

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
ARM = "https://management.azure.com"
GRAPH = "https://graph.microsoft.com/v1.0"
BUILT_IN = {
    "Website Contributor",
    "Storage Blob Data Owner",
    "Storage Blob Data Contributor",
    "Storage Queue Data Contributor",
    "Storage Table Data Contributor",
}


class Refused(Exception):
    """What Azure would say, and the exit code."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def main() -> int:
    path = Path(os.environ["STAND_IN_STATE"])
    state: State = json.loads(path.read_text("utf-8")) if path.exists() else {"calls": [], "there": []}
    program, words = Path(sys.argv[0]).name, sys.argv[1:]
    state["calls"].append([program, *words])
    try:
        print(PROGRAMS[program](words, state))
        return 0
    except Refused as refused:
        print(f"{program}: {refused}", file=sys.stderr)
        return refused.code
    finally:
        path.write_text(json.dumps(state), encoding="utf-8")


def az(words: list[str], state: State) -> str:
    command, said = parsed(words)
    for text in [text for texts in said.values() for text in texts]:
        if not text or "00000000-0000" in text or "CLIENT_ID" in text or "TENANT_ID" in text:
            raise Refused(f"{command}: an argument is empty or was not filled in: {text!r}")
    if command not in COMMANDS:
        raise Refused(f"{command} is not known to the stand-in", 64)
    return COMMANDS[command](said, state)


def parsed(words: list[str]) -> tuple[str, Said]:
    """The command's words, and what stands after each option."""
    at = next((number for number, word in enumerate(words) if word.startswith("--")), len(words))
    said: Said = {}
    for word in words[at:]:
        if word.startswith("--"):
            said[word] = []
        else:
            said[list(said)[-1]].append(word)
    return " ".join(words[:at]), said


def one(said: Said, option: str) -> str:
    return said[option][0]


def needs(state: State, *what: str) -> None:
    for thing in what:
        if thing not in state["there"]:
            raise Refused(f"(ResourceNotFound) {thing} is not there yet")


def made(state: State, thing: str) -> str:
    state["there"].append(thing)
    return ""


def group_id(said: Said) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{one(said, '--resource-group')}/providers"


def app_id(said: Said) -> str:
    return f"{group_id(said)}/Microsoft.Web/sites/{one(said, '--name')}"


def storage_id(said: Said, name: str = "--name") -> str:
    return f"{group_id(said)}/Microsoft.Storage/storageAccounts/{one(said, name)}"


def account(said: Said, state: State) -> str:
    return {"id": SUBSCRIPTION, "tenantId": "a-tenant"}[one(said, "--query")]


def create_storage(said: Said, state: State) -> str:
    needs(state, f"group {one(said, '--resource-group')}")
    assert one(said, "--allow-shared-key-access") == "false"
    state["storage"] = one(said, "--name")
    return made(state, storage_id(said))


def create_app(said: Said, state: State) -> str:
    needs(state, storage_id(said, "--storage-account"), "provider Microsoft.Web")
    made(state, "principal app-identity")
    return made(state, app_id(said))


def show_app(said: Said, state: State) -> str:
    needs(state, app_id(said))
    return app_id(said) if one(said, "--query") == "id" else f"{one(said, '--name')}.scm.azurewebsites.net"


def on_app(answer: str) -> Callable[[Said, State], str]:
    def answered(said: Said, state: State) -> str:
        needs(state, app_id(said))
        return answer

    return answered


def show_function(said: Said, state: State) -> str:
    needs(state, app_id(said), "published")
    return one(said, "--function-name")


def define_role(said: Said, state: State) -> str:
    role = json.loads(one(said, "--role-definition"))
    assert role["AssignableScopes"] == [f"/subscriptions/{SUBSCRIPTION}"], role["AssignableScopes"]
    return made(state, f"role {role['Name']}")


def update_role(said: Said, state: State) -> str:
    needs(state, f"role {json.loads(one(said, '--role-definition'))['Name']}")
    return define_role(said, state)


def assign(said: Said, state: State) -> str:
    role, scope = one(said, "--role"), one(said, "--scope")
    principal = one(said, "--assignee-object-id")
    if role not in BUILT_IN:
        needs(state, f"role {role}")
    if scope != f"/subscriptions/{SUBSCRIPTION}":
        needs(state, scope)
    needs(state, f"principal {principal}")
    return made(state, f"{principal} is {role}")


def container(said: Said, state: State) -> str:
    if one(said, "--account-name") != state.get("storage"):
        raise Refused(f"no account {one(said, '--account-name')}")
    return made(state, f"container {one(said, '--name')}")


def immutable(said: Said, state: State) -> str:
    needs(state, f"container {one(said, '--container-name')}")
    return ""


def create_topic(said: Said, state: State) -> str:
    needs(state, "provider Microsoft.EventGrid", f"group {one(said, '--resource-group')}")
    if one(said, "--identity") == "systemassigned":
        made(state, "principal topic-identity")
    return made(state, f"topic {one(said, '--name')}")


def show_topic(said: Said, state: State) -> str:
    needs(state, f"topic {one(said, '--name')}")
    topic = f"{group_id(said)}/Microsoft.EventGrid/systemTopics/{one(said, '--name')}"
    return {"id": topic, "identity.principalId": "topic-identity"}[one(said, "--query")]


def create_identity(said: Said, state: State) -> str:
    needs(state, f"group {one(said, '--resource-group')}")
    return made(state, "principal deployer-identity")


def show_identity(said: Said, state: State) -> str:
    needs(state, "principal deployer-identity")
    return "deployer-identity"


def show_subscription(said: Said, state: State) -> str:
    needs(state, "event subscription")
    return "Succeeded"


def gone(state: State, thing: str) -> str:
    needs(state, thing)
    state["there"] = [one for one in state["there"] if one != thing]
    return ""


def unassign(said: Said, state: State) -> str:
    needs(state, f"principal {one(said, '--assignee')}")
    held = f"{one(said, '--assignee')} is Driftward "
    state["there"] = [one for one in state["there"] if not one.startswith(held)]
    return ""


def delete_role(said: Said, state: State) -> str:
    """Azure deletes no definition that is still assigned."""
    name = one(said, "--name")
    if any(thing.endswith(f" is {name}") for thing in state["there"]):
        raise Refused(f"(RoleDefinitionHasAssignments) {name}")
    return gone(state, f"role {name}")


def create_registration(said: Said, state: State) -> str:
    json.loads(document(one(said, "--app-roles")))
    made(state, "registration a-client")
    return "a-client"


def registered(answer: str) -> Callable[[Said, State], str]:
    def answered(said: Said, state: State) -> str:
        needs(state, "registration a-client")
        return answer

    return answered


def token(said: Said, state: State) -> str:
    if "--scope" not in said:
        return "arm-token"
    needs(state, f"registration {one(said, '--scope').removeprefix('api://').removesuffix('/.default')}")
    return "app-token"


def rest(said: Said, state: State) -> str:
    url, body = one(said, "--url"), json.loads(document(one(said, "--body")))
    if url.startswith(GRAPH):
        needs(state, "registration a-client")
    elif "/config/authsettingsV2?" in url:
        needs(state, url.removeprefix(ARM).split("/config/")[0], "registration a-client")
        made(state, "sign-in")
    elif "/eventSubscriptions/" in url:
        subscribe(body["properties"], state)
    else:
        raise Refused(f"{url} is not known to the stand-in", 64)
    return "{}"


def subscribe(properties: Mapping[str, Any], state: State) -> None:
    """Event Grid looks at the function and at the container before it subscribes."""
    function = properties["destination"]["properties"]["resourceId"]
    letters = properties["deadLetterWithResourceIdentity"]
    where = letters["deadLetterDestination"]["properties"]
    needs(state, function.split("/functions/")[0], "published", where["resourceId"])
    needs(state, f"container {where['blobContainerName']}", "principal topic-identity")
    needs(state, "topic-identity is Storage Blob Data Contributor")
    state["subscription"] = dict(properties)
    made(state, "event subscription")


def document(text: str) -> str:
    return Path(text[1:]).read_text("utf-8") if text.startswith("@") else text


def curl(words: list[str], state: State) -> str:
    url = next(word for word in words if word.startswith("https://"))
    if url.endswith("/api/health"):
        return '{"status": "ok"}'
    wanted = "arm-token" if ".scm." in url else "app-token"
    if f"Authorization: Bearer {wanted}" not in words:
        raise Refused(f"401 from {url}", 22)
    return deployment(url, words, state) if ".scm." in url else called(state)


def deployment(url: str, words: list[str], state: State) -> str:
    if "/api/publish?RemoteBuild=false" in url:
        package = next(word[1:] for word in words if word.startswith("@"))
        assert Path(package).is_file(), f"{package} was not made"
        made(state, "published")
        return '"a-deployment"'
    return json.dumps({"status": 4 if "published" in state["there"] else 3})


def called(state: State) -> str:
    needs(state, "published", "sign-in")
    return "{}"


def pip(words: list[str], state: State) -> str:
    if words != ["install", "."]:
        raise Refused(f"{words} is not known to the stand-in", 64)
    return made(state, "command driftward")


def driftward(words: list[str], state: State) -> str:
    """The command itself; a test gives what was asked of it to the real one's parser."""
    needs(state, "command driftward")
    return called(state)


def make(words: list[str], state: State) -> str:
    if words != ["package"]:
        raise Refused(f"{words} is not known to the stand-in", 64)
    package = Path(".driftward/package/driftward.zip")
    package.parent.mkdir(parents=True, exist_ok=True)
    package.write_bytes(b"PK")
    return ""


def nothing(said: Said, state: State) -> str:
    return ""


COMMANDS: Mapping[str, Callable[[Said, State], str]] = {
    "login": nothing,
    "account show": account,
    "account get-access-token": token,
    "provider register": lambda said, state: made(state, f"provider {one(said, '--namespace')}"),
    "group create": lambda said, state: made(state, f"group {one(said, '--name')}"),
    "storage account create": create_storage,
    "storage account show": lambda said, state: storage_id(said),
    "storage container create": container,
    "storage container immutability-policy create": immutable,
    "functionapp create": create_app,
    "functionapp show": show_app,
    "functionapp identity show": on_app("app-identity"),
    "functionapp scale config always-ready set": on_app(""),
    "functionapp config appsettings set": on_app(""),
    "functionapp config appsettings delete": on_app(""),
    "functionapp function show": show_function,
    "role definition create": define_role,
    "role definition update": update_role,
    "role assignment create": assign,
    "ad app create": create_registration,
    "ad app update": registered(""),
    "ad sp create": registered("a-service"),
    "ad sp update": registered(""),
    "ad sp show": registered("a-role"),
    "ad signed-in-user show": registered("a-person"),
    "identity create": create_identity,
    "identity show": show_identity,
    "identity federated-credential create": lambda said, state: show_identity(said, state) and "",
    "role assignment delete": unassign,
    "role definition delete": delete_role,
    "eventgrid system-topic event-subscription delete": lambda said, state: gone(state, "event subscription"),
    "group delete": lambda said, state: gone(state, f"group {one(said, '--name')}"),
    "ad app delete": lambda said, state: gone(state, f"registration {one(said, '--id')}"),
    "rest": rest,
    "eventgrid system-topic create": create_topic,
    "eventgrid system-topic show": show_topic,
    "eventgrid system-topic event-subscription show": show_subscription,
}
PROGRAMS: Mapping[str, Callable[[list[str], State], str]] = {
    "az": az,
    "curl": curl,
    "make": make,
    "pip": pip,
    "driftward": driftward,
    "sleep": lambda words, state: "",
}

if __name__ == "__main__":
    sys.exit(main())
