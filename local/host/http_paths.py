"""Matches a request's method and path to an HTTP function, by the route templates that Azure Functions uses.

Templates are ASP.NET's: `items/{id}`, `{id:int}`, `{id?}`, `{id=7}`, `{*rest}`, `{name}.json`. Literals
ignore case; a value is percent-decoded except for `%2F`, which stays as it came (so a parameter never gains
a slash). The more specific template wins, whatever the order of registration.

A path that only other methods serve is *not found*: the host puts the methods into a route constraint
(`HttpMethodRouteConstraint` in azure-functions-host, `WebScriptHostHttpRoutesManager`), and a route
that fails a constraint does not match; it never answers 405. `HEAD` is not implied by `GET` there.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from local.host.engine import FunctionInfo
from local.host.settings import SettingsError

_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)((?::[^{}=?]+(?:\([^)]*\))?)*)(?:=([^{}]*))?(\?)?\}")
_CONSTRAINTS = {
    "int": r"-?\d{1,10}",
    "long": r"-?\d{1,19}",
    "alpha": r"[A-Za-z]+",
    "bool": r"(?:true|false)",
    "guid": r"\{?[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}\}?",
    "decimal": r"-?\d+(?:\.\d+)?",
    "double": r"-?\d+(?:\.\d+)?",
    "float": r"-?\d+(?:\.\d+)?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A compiled template. Lower `rank` is more specific; `methods` None means any."""

    function: FunctionInfo
    pattern: re.Pattern[str]
    rank: tuple[int, ...]
    methods: frozenset[str] | None
    defaults: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMatch:
    function: FunctionInfo
    params: Mapping[str, str]


def compile_routes(functions: Iterable[FunctionInfo], prefix: str) -> tuple[Route, ...]:
    """The routes of all HTTP functions, most specific first. SettingsError for a template not emulated."""
    routes = [_compile(function, prefix) for function in functions if function.trigger_type == "httpTrigger"]
    return tuple(sorted(routes, key=lambda route: route.rank))


def match_route(routes: Iterable[Route], method: str, raw_path: str) -> RouteMatch | None:
    """Find the function for a request; `raw_path` is still percent-encoded and begins with a slash."""
    path = unquote(re.sub("%2f", "%252F", raw_path, flags=re.IGNORECASE)).rstrip("/")
    for route in routes:
        found = route.pattern.fullmatch(path)
        if found and (route.methods is None or method in route.methods):
            given = {name: value for name, value in found.groupdict().items() if value is not None}
            return RouteMatch(function=route.function, params={**route.defaults, **given})
    return None


def _compile(function: FunctionInfo, prefix: str) -> Route:
    template = str(function.trigger.get("route") or function.name).strip("/")
    segments = [part for part in f"{prefix}/{template}".split("/") if part]
    methods = function.trigger.get("methods")
    defaults = {found[2]: found[4] for found in _PARAMETER.finditer(template) if found[4] is not None}
    return Route(
        function=function,
        pattern=re.compile("".join(_segment(part, template) for part in segments), re.IGNORECASE),
        rank=tuple(_rank(part) for part in segments),
        methods=frozenset(str(method).upper() for method in methods) if isinstance(methods, list) else None,
        defaults=defaults,
    )


def _segment(text: str, template: str) -> str:
    whole = _PARAMETER.fullmatch(text)
    if whole and whole[1]:
        return f"(?:/(?P<{whole[2]}>.*))?"
    if whole and (whole[5] or whole[4] is not None):
        return f"(?:/{_group(whole, template)})?"
    pieces, end = ["/"], 0
    for found in _PARAMETER.finditer(text):
        pieces += [re.escape(text[end : found.start()]), _group(found, template)]
        end = found.end()
    rest = text[end:]
    if "{" in rest or "}" in rest:
        raise SettingsError(f"route {template!r}: cannot read the segment {text!r}")
    return "".join([*pieces, re.escape(rest)])


def _group(found: re.Match[str], template: str) -> str:
    constraints = [name for name in found[3].split(":") if name]
    unknown = [name for name in constraints if name not in _CONSTRAINTS]
    if unknown:
        raise SettingsError(f"route {template!r}: the constraint {unknown[0]!r} is not emulated")
    checks = "".join(f"(?={_CONSTRAINTS[name]}(?:/|$))" for name in constraints[:-1])
    return f"{checks}(?P<{found[2]}>{_CONSTRAINTS[constraints[-1]] if constraints else '[^/]+'})"


def _rank(segment: str) -> int:
    """ASP.NET's inbound precedence: literal, then part or constrained, then free, then catch-all."""
    whole = _PARAMETER.fullmatch(segment)
    if whole is None:
        return 1 if "{" not in segment else 2
    return (4 if whole[1] else 2) + (0 if whole[3] else 1)
