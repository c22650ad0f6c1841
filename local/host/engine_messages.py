"""Stand-ins for the protocol messages that the Functions engine is given and gives back.

`azure-functions-runtime` does not import protobuf: whoever drives it injects the message classes as
`properties["protos"]`. What the engine asks of them (measured with 1.3.0): keyword constructors, readable
attributes, `WhichOneof` on typed data and on parameters, no attribute named `TypedData` on typed data,
`StatusResult.Success` / `.Failure` and the direction constants of `BindingInfo`.

The names are the engine's, this module is handed to it as a whole. Only what an app without output bindings
can make it use is here, and nothing here knows what the messages are for: that is `local/host/engine.py`.
"""

from dataclasses import dataclass
from types import SimpleNamespace


class TypedData:
    """One value and the name of its kind: `json`, `string`, `bytes`, `int`, `double`, `http` or nothing."""

    __slots__ = ("kind", "value")

    def __init__(self, **field: object) -> None:
        self.kind: str | None
        self.value: object
        self.kind, self.value = next(iter(field.items()), (None, None))

    def __getattr__(self, name: str) -> object:
        if name == self.kind:
            return self.value
        raise AttributeError(name)

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802, ARG002 - protobuf's own signature
        return self.kind


class ParameterBinding:
    __slots__ = ("data", "name")

    def __init__(self, *, name: str, data: TypedData) -> None:
        self.name, self.data = name, data

    def WhichOneof(self, group: str) -> str:  # noqa: N802, ARG002 - protobuf's own signature
        return "data"


@dataclass(slots=True, kw_only=True)
class RpcException:
    message: str
    stack_trace: str = ""
    source: str = ""


class StatusResult:
    Failure, Success = 0, 1

    __slots__ = ("exception", "status")

    def __init__(self, *, status: int, exception: RpcException | None = None) -> None:
        self.status, self.exception = status, exception


class BindingInfo(SimpleNamespace):
    undefined = 0
    out = 1
    inout = 2


@dataclass(slots=True, kw_only=True)
class RpcFunctionMetadata:
    """What the engine reports of one function; `raw_bindings` are JSON texts, as function.json has them."""

    name: str
    function_id: str
    directory: str
    script_file: str
    entry_point: str
    raw_bindings: list[str]
    bindings: dict[str, BindingInfo]
    language: str
    properties: dict[str, str]
    retry_options: object
    managed_dependency_enabled: bool
    is_proxy: bool


@dataclass(slots=True, kw_only=True)
class RpcHttp:
    status_code: str
    headers: dict[str, str]
    body: TypedData | None
    cookies: "list[RpcHttpCookie] | None" = None
    enable_content_negotiation: bool = False


@dataclass(slots=True, kw_only=True)
class Nullable:
    """`NullableString`, `NullableBool`, `NullableDouble` and `NullableTimestamp` differ only by name."""

    value: "str | bool | float | Timestamp"


NullableString = NullableBool = NullableDouble = NullableTimestamp = Nullable


@dataclass(slots=True, kw_only=True)
class Timestamp:
    seconds: int


class RpcHttpCookie(SimpleNamespace):
    SameSite = SimpleNamespace(**{"None": None, "Lax": "Lax", "Strict": "Strict", "ExplicitNone": "None"})


@dataclass(slots=True, kw_only=True)
class InvocationResponse:
    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: list[ParameterBinding] | None = None


@dataclass(slots=True, kw_only=True)
class WorkerInitResponse:
    result: StatusResult
    capabilities: dict[str, str]
    worker_metadata: object


@dataclass(slots=True, kw_only=True)
class FunctionMetadataResponse:
    function_metadata_results: list[RpcFunctionMetadata] | None
    result: StatusResult
    use_default_metadata_indexing: bool


class WorkerMetadata(SimpleNamespace):
    pass


class RpcRetryOptions(SimpleNamespace):
    pass
