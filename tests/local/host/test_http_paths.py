"""Route templates: what they match, what they give, and which of two wins."""

import pytest

from local.host.engine import FunctionInfo
from local.host.http_paths import compile_routes, match_route
from local.host.settings import SettingsError


def http_function(name: str, route: str | None = None, methods: list[str] | None = None) -> FunctionInfo:
    trigger: dict[str, object] = {"type": "httpTrigger", "name": "req"}
    trigger |= {"route": route} if route is not None else {}
    trigger |= {"methods": methods} if methods is not None else {}
    return FunctionInfo(
        name=name,
        trigger=trigger,
        bindings=(trigger,),
        script_file="f.py",
        entry_point=name,
        function_id=name,
    )


def params(template: str, path: str) -> dict[str, str] | None:
    found = match_route(compile_routes([http_function("f", template)], "api"), "GET", path)
    return None if found is None else dict(found.params)


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("runs", "/api/runs", {}),
        ("runs", "/API/Runs/", {}),
        ("runs", "/api/runs/1", None),
        ("runs", "/runs", None),
        ("runs/{id}", "/api/runs/a b", {"id": "a b"}),
        ("runs/{id}", "/api/runs/a%20b", {"id": "a b"}),
        ("runs/{id}", "/api/runs/a%2Fb", {"id": "a%2Fb"}),
        ("runs/{id}", "/api/runs", None),
        ("runs/{id?}", "/api/runs", {}),
        ("runs/{id?}", "/api/runs/7", {"id": "7"}),
        ("runs/{id=3}", "/api/runs", {"id": "3"}),
        ("runs/{id=3}", "/api/runs/7", {"id": "7"}),
        ("runs/{id:int}", "/api/runs/-07", {"id": "-07"}),
        ("runs/{id:int}", "/api/runs/x", None),
        ("runs/{id:int?}", "/api/runs", {}),
        (
            "runs/{id:guid}",
            "/api/runs/8d1f2b4e-0000-4000-8000-0123456789ab",
            {"id": "8d1f2b4e-0000-4000-8000-0123456789ab"},
        ),
        ("runs/{id:alpha}/log", "/api/runs/abc/log", {"id": "abc"}),
        ("files/{name}.json", "/api/files/openapi.json", {"name": "openapi"}),
        ("all/{*rest}", "/api/all/a/b/c", {"rest": "a/b/c"}),
        ("all/{*rest}", "/api/all", {}),
    ],
)
def test_a_template_matches_a_path_and_names_its_parts(
    template: str, path: str, expected: dict[str, str] | None
) -> None:
    assert params(template, path) == expected


def test_without_a_route_the_function_name_is_the_path() -> None:
    found = match_route(compile_routes([http_function("Health")], "api"), "GET", "/api/health")
    assert found is not None
    assert found.function.name == "Health"


def test_an_empty_prefix_puts_routes_at_the_root() -> None:
    assert match_route(compile_routes([http_function("f", "x")], ""), "GET", "/x") is not None


def test_the_more_specific_template_wins_whatever_the_order() -> None:
    names = ["{*rest}", "alerts/{id}", "alerts/{id:int}", "alerts/open"]
    paths = ["/api/other/path", "/api/alerts/abc", "/api/alerts/7", "/api/alerts/open"]
    for order in (names, names[::-1]):
        routes = compile_routes([http_function(name, name) for name in order], "api")
        matches = [match_route(routes, "GET", path) for path in paths]
        assert [found.function.name for found in matches if found] == names


def test_one_path_can_have_a_function_per_method() -> None:
    functions = [http_function("read", "x", ["GET"]), http_function("write", "x", ["POST", "PUT"])]
    routes = compile_routes(functions, "api")
    found = [match_route(routes, method, "/api/x") for method in ("GET", "PUT", "DELETE", "HEAD")]
    assert [match.function.name if match else None for match in found] == ["read", "write", None, None]


@pytest.mark.parametrize("template", ["runs/{id:datetime}", "runs/{id", "runs/{}"])
def test_a_template_that_is_not_emulated_is_refused(template: str) -> None:
    with pytest.raises(SettingsError, match="route"):
        compile_routes([http_function("f", template)], "api")
