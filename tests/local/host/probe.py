"""Loads an app in the real engine and prints what it finds: `python -m tests.local.host.probe APP_ROOT`.

A process of its own, because the engine holds one app per process. Prints one JSON object: the functions,
or the class and text of the error that loading raised; then the results of the invocations given as JSON on
standard input, a list of `{"function", "kind", "text"}`.
"""

import json
import sys
from pathlib import Path

from local.host.engine import Engine, EngineError, JsonPayload, Payload, TextPayload


def main() -> None:
    try:
        engine = Engine(Path(sys.argv[1]))
    except EngineError as error:
        print(json.dumps({"error": type(error).__name__, "text": str(error)}))
        return
    described = [
        {
            "name": held.name,
            "type": held.trigger_type,
            "bindings": [dict(binding) for binding in held.bindings],
        }
        for held in engine.functions
    ]
    wanted = json.loads(sys.stdin.read() or "[]")
    print(json.dumps({"functions": described, "results": [invoke(engine, one) for one in wanted]}))


def invoke(engine: Engine, wanted: dict[str, str]) -> dict[str, object]:
    text = wanted["text"]
    payload: Payload = JsonPayload(text=text) if wanted["kind"] == "json" else TextPayload(text=text)
    parameter = next(held for held in engine.functions if held.name == wanted["function"]).trigger_parameter
    result = engine.invoke(wanted["function"], {parameter: payload}, {"DequeueCount": "4", "Id": "m-1"})
    return {"ok": result.ok, "error": result.error, "stack": result.stack}


if __name__ == "__main__":
    main()
