"""An app for the tests of the local host: one function per kind of trigger, each doing what it is told.

What a function was given is appended to the file that RECORD names, one JSON object per line.
"""

import json
import os
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def record(kind: str, content: dict[str, object]) -> None:
    with Path(os.environ["RECORD"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"kind": kind, **content}) + "\n")


@app.route(route="items/{id:int}/{*rest}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    content = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.route_params),
        "query": dict(req.params),
        "header": req.headers.get("X-Test"),
        "body": req.get_body().decode("latin-1"),
        "cwd": Path.cwd().name,
    }
    return func.HttpResponse(json.dumps(content), status_code=201, mimetype="application/json")


@app.route(route="bytes", methods=["POST"])
async def reverse(req: func.HttpRequest) -> func.HttpResponse:
    headers = {"X-Answer": "yes"}
    answer = func.HttpResponse(req.get_body()[::-1], mimetype="application/octet-stream", headers=headers)
    answer.headers.add("Set-Cookie", "seen=1; Path=/; HttpOnly")
    return answer


@app.route(route="text")
def text(req: func.HttpRequest) -> str:
    return f"plain {req.method}"


@app.route(route="boom")
def boom(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("boom is what it does")


@app.route(route="slow")
def slow(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(float(req.params["seconds"]))
    return func.HttpResponse("awake")


@app.route(route="guarded", auth_level=func.AuthLevel.FUNCTION)
def guarded(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("opened")


@app.event_grid_trigger(arg_name="event")
def events(event: func.EventGridEvent) -> None:
    data = event.get_json()
    record("event", {"id": event.id, "class": type(event).__name__, "data": data})
    time.sleep(data.get("seconds", 0) if isinstance(data, dict) else 0)
    if isinstance(data, dict) and data.get("exit"):
        raise SystemExit(3)
    if isinstance(data, dict) and data.get("fail"):
        raise RuntimeError(f"event {event.id} was told to fail")


@app.queue_trigger(arg_name="message", queue_name="%JOBS_QUEUE%", connection="AzureWebJobsStorage")
def jobs(message: func.QueueMessage) -> None:
    body = message.get_body().decode()
    tries = message.dequeue_count or 0
    record("job", {"body": body, "tries": tries, "id": message.id, "at": time.time()})
    wanted = json.loads(body) if body.startswith("{") else {}
    time.sleep(wanted.get("seconds", 0))
    record("job-end", {"body": body, "at": time.time()})
    if tries <= wanted.get("failures", 0):
        raise RuntimeError("the job was told to fail")


@app.timer_trigger(arg_name="timer", schedule="%TICK%", run_on_startup=True)
def tick(timer: func.TimerRequest) -> None:
    record("tick", {"pastDue": timer.past_due})
