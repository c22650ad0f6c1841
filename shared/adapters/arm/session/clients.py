"""The SDK clients, made on first use and shared between runs, and the credential behind them.

One ``ArmClients`` lives as long as the process: it is safe to use from several threads, imports an SDK
only when its client is first asked for (azure-mgmt-network alone costs a quarter of a second), and gives
every client the same pipeline: no retries (the gateway owns waiting), no redirects, no automatic
registration of resource providers (that would be a write nobody decided on).

A fake credential is used when, and only when, the endpoint is a loopback address: the simulator. Any
other endpoint must be https. What must not live here: requests, shapes, policy words, the environment
(settings come in as a value).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Final, Generic, NotRequired, TypedDict, TypeVar
from urllib.parse import urlsplit

from azure.core import AzureClouds
from azure.core.credentials import TokenCredential
from azure.core.pipeline import policies
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.arm.session.pace import Pace
from shared.adapters.arm.session.tokens import LocalBearerPolicy, LocalCredential, actor_of
from shared.adapters.identity import azure_credential
from shared.config.settings import Settings
from shared.model import Actor
from shared.model.clouds import Cloud
from shared.model.errors import ConfigurationError
from shared.model.values import value
from shared.model.web_addresses import is_loopback

if TYPE_CHECKING:
    from azure.mgmt.core import ARMPipelineClient
    from azure.mgmt.network import NetworkManagementClient
    from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient as FlexibleClient
    from azure.mgmt.privatedns import PrivateDnsManagementClient
    from azure.mgmt.rdbms.postgresql import PostgreSQLManagementClient as SingleClient
    from azure.mgmt.resourcegraph import ResourceGraphClient

_T = TypeVar("_T")
CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 30
_AZURE: Final[Mapping[Cloud, AzureClouds]] = {
    Cloud.PUBLIC: AzureClouds.AZURE_PUBLIC_CLOUD,
    Cloud.US_GOVERNMENT: AzureClouds.AZURE_US_GOVERNMENT,
    Cloud.CHINA: AzureClouds.AZURE_CHINA_CLOUD,
}


@value
class ApiVersions:
    """The api-versions that are sent; a sovereign cloud may need older ones (``ARM_API_VERSIONS``).

    The client of flexible servers takes its version once, the other two with every operation.
    """

    flexible: str = "2026-10-01"
    single: str = "2017-12-01"
    network: str = "2026-03-01"


class _Lazy(Generic[_T]):
    """Values that are made once per key, whichever thread asks first."""

    def __init__(self, make: Callable[[str], _T]) -> None:
        self._make = make
        self._made: dict[str, _T] = {}
        self._lock = Lock()

    def __call__(self, key: str = "") -> _T:
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(key)
            return self._made[key]

    def made(self) -> tuple[_T, ...]:
        with self._lock:
            return tuple(self._made.values())


class ArmClients:
    """The clients of one ARM endpoint. Raises ``ConfigurationError`` for an endpoint that is not allowed."""

    def __init__(self, settings: Settings) -> None:
        self.versions = ApiVersions(**dict(settings.api_versions))
        self.endpoint, self._scopes = _endpoint(settings)
        self.pace = Pace()
        self._settings = settings
        self._local = is_loopback(self.endpoint)
        self._credential = _Lazy(self._make_credential)
        self._authentication = _Lazy(self._make_authentication)
        self._flexible = _Lazy(self._make_flexible)
        self._single = _Lazy(self._make_single)
        self._network = _Lazy(self._make_network)
        self._graph = _Lazy(self._make_graph)
        self._private_dns = _Lazy(self._make_private_dns)
        self._pipeline = _Lazy(self._make_pipeline)
        self._identity = _Lazy(self._make_identity)

    def flexible(self, subscription: str) -> FlexibleClient:
        return self._flexible(subscription.lower())

    def single(self, subscription: str) -> SingleClient:
        return self._single(subscription.lower())

    def network(self, subscription: str) -> NetworkManagementClient:
        return self._network(subscription.lower())

    def graph(self) -> ResourceGraphClient:
        return self._graph()

    def private_dns(self, subscription: str) -> PrivateDnsManagementClient:
        return self._private_dns(subscription.lower())

    def pipeline(self) -> ARMPipelineClient[HttpRequest, HttpResponse]:
        """The bare pipeline, for URLs that ARM handed out."""
        return self._pipeline()

    def identity(self) -> Actor:
        """The claims of our own token, read once and without a call to ARM."""
        return self._identity()

    def close(self) -> None:
        """Close the connections of every client that was made."""
        made = (self._flexible, self._single, self._network, self._private_dns, self._graph, self._pipeline)
        for lazy in made:
            for client in lazy.made():
                client.close()

    def _make_flexible(self, subscription: str) -> FlexibleClient:
        from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient

        return PostgreSQLManagementClient(
            self._credential(), subscription, api_version=self.versions.flexible, **self._options()
        )

    def _make_single(self, subscription: str) -> SingleClient:
        from azure.mgmt.rdbms.postgresql import PostgreSQLManagementClient

        return PostgreSQLManagementClient(self._credential(), subscription, **self._options())

    def _make_network(self, subscription: str) -> NetworkManagementClient:
        from azure.mgmt.network import NetworkManagementClient

        return NetworkManagementClient(self._credential(), subscription, **self._options())

    def _make_graph(self, _: str) -> ResourceGraphClient:
        from azure.mgmt.resourcegraph import ResourceGraphClient

        return ResourceGraphClient(self._credential(), **self._options())

    def _make_private_dns(self, subscription: str) -> PrivateDnsManagementClient:
        from azure.mgmt.privatedns import PrivateDnsManagementClient

        return PrivateDnsManagementClient(self._credential(), subscription, **self._options())

    def _make_pipeline(self, _: str) -> ARMPipelineClient[HttpRequest, HttpResponse]:
        from azure.mgmt.core import ARMPipelineClient

        return ARMPipelineClient(**self._options())

    def _make_identity(self, _: str) -> Actor:
        return actor_of(self._credential().get_token(*self._scopes).token)

    def _make_credential(self, _: str) -> TokenCredential:
        return LocalCredential() if self._local else azure_credential(self._settings)

    def _make_authentication(self, _: str) -> object:
        if self._local:
            return LocalBearerPolicy(self._credential())
        from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

        return ARMChallengeAuthenticationPolicy(self._credential(), *self._scopes)

    def _options(self) -> Options:
        """What every client is made with: the same endpoint, pipeline and time limits."""
        authentication = self._authentication()
        return {
            "base_url": self.endpoint,
            "credential_scopes": self._scopes,
            "authentication_policy": authentication,
            "policies": [
                policies.RequestIdPolicy(),
                policies.HeadersPolicy(),
                policies.UserAgentPolicy(sdk_moniker="driftward"),
                policies.ProxyPolicy(),
                policies.ContentDecodePolicy(),
                authentication,
                policies.CustomHookPolicy(),
                policies.DistributedTracingPolicy(),
            ],
            "connection_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
        }


class Options(TypedDict):
    """``transport`` is the SDK's own where it is left out."""

    base_url: str
    credential_scopes: list[str]
    authentication_policy: object
    policies: list[object]
    connection_timeout: int
    read_timeout: int
    transport: NotRequired[object]


# --- endpoint --------------------------------------------------------------------------------------


def _endpoint(settings: Settings) -> tuple[str, list[str]]:
    """The URL of ARM without a trailing slash, and the scopes of its tokens."""
    from azure.mgmt.core.tools import get_arm_endpoints

    known = get_arm_endpoints(_AZURE[settings.cloud])
    url = (settings.arm_endpoint or str(known["resource_manager"])).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(url)):
        raise ConfigurationError(
            f"ARM_ENDPOINT {url!r}: only https, or http to a loopback address (127.0.0.1, localhost, [::1])"
        )
    if not parts.hostname or parts.username is not None or parts.path or parts.query or parts.fragment:
        raise ConfigurationError(f"ARM_ENDPOINT {url!r}: want scheme, host and port, nothing else")
    return url, list(known["credential_scopes"])


def same_host(url: str, endpoint: str) -> bool:
    """Whether ``url`` goes to the endpoint itself: scheme, host and port, and no user in it."""
    try:
        return "@" not in urlsplit(url).netloc and _origin(url) == _origin(endpoint)
    except ValueError:  # no URL at all, or a port that is no number
        return False


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
