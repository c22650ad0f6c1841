"""Which credential stands for which identity, and where it signs in."""

from __future__ import annotations

from typing import Any

import pytest

from shared.adapters.identity import Identity, azure_credential
from shared.config.settings import Settings
from shared.model.clouds import Cloud

Made = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """The credentials that were made, instead of credentials."""
    found: Made = []
    for kind in ("ManagedIdentityCredential", "DefaultAzureCredential"):
        monkeypatch.setattr(f"azure.identity.{kind}", lambda _kind=kind, **said: found.append((_kind, said)))
    return found


@pytest.mark.parametrize(
    ("identity", "kind", "said"),
    [
        (None, "ManagedIdentityCredential", {"client_id": "ours"}),
        (Identity(), "ManagedIdentityCredential", {"client_id": "ours"}),
        (Identity(managed=True), "ManagedIdentityCredential", {"client_id": None}),
        (Identity(managed=True, client_id="c1"), "ManagedIdentityCredential", {"client_id": "c1"}),
        (
            Identity(managed=True, resource_id="/s/i"),
            "ManagedIdentityCredential",
            {"identity_config": {"resource_id": "/s/i"}},
        ),
        (
            Identity(client_id="c1"),
            "DefaultAzureCredential",
            {"authority": "login.microsoftonline.com", "managed_identity_client_id": "c1"},
        ),
    ],
)
def test_an_identity_that_is_said_goes_before_the_apps_own(
    made: Made, identity: Identity | None, kind: str, said: dict[str, Any]
) -> None:
    azure_credential(Settings(client_id="ours"), identity)
    assert made == [(kind, said)]


@pytest.mark.parametrize(
    ("cloud", "authority"),
    [
        (Cloud.PUBLIC, "login.microsoftonline.com"),
        (Cloud.US_GOVERNMENT, "login.microsoftonline.us"),
        (Cloud.CHINA, "login.chinacloudapi.cn"),
    ],
)
def test_each_cloud_signs_in_at_its_own_authority(made: Made, cloud: Cloud, authority: str) -> None:
    azure_credential(Settings(cloud=cloud))
    assert made == [("DefaultAzureCredential", {"authority": authority})]
