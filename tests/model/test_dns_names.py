"""What private DNS calls a server, read off its host name."""

from __future__ import annotations

import pytest

from shared.model.dns_names import canonical, endpoint_zone_name, record_name, service_suffix


@pytest.mark.parametrize(
    ("host", "zone"),
    [
        ("orders.postgres.database.azure.com", "privatelink.postgres.database.azure.com"),
        ("orders.postgres.database.usgovcloudapi.net", "privatelink.postgres.database.usgovcloudapi.net"),
        ("orders.postgres.database.chinacloudapi.cn", "privatelink.postgres.database.chinacloudapi.cn"),
        ("Orders.Postgres.Database.Azure.COM.", "privatelink.postgres.database.azure.com"),
        ("orders.private.postgres.database.azure.com", "privatelink.postgres.database.azure.com"),
    ],
)
def test_the_zone_of_an_endpoint_follows_from_the_cloud_of_the_server(host: str, zone: str) -> None:
    assert endpoint_zone_name(host) == zone


@pytest.mark.parametrize("host", ["", "orders", "orders.example.com", "orders.postgres.database"])
def test_a_name_that_is_none_of_the_service_has_no_zone(host: str) -> None:
    assert (service_suffix(host), endpoint_zone_name(host)) == ("", "")


def test_a_dot_at_the_end_and_letter_case_mean_nothing() -> None:
    assert (
        canonical(" PrivateLink.Postgres.Database.Azure.com. ") == "privatelink.postgres.database.azure.com"
    )
    assert record_name("ORDERS.postgres.database.azure.com.") == "orders"
