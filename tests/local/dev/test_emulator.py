"""The storage emulator: installed once, in the wanted version, with an honest error when npm cannot."""

import json
import re
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.dev.emulator import (
    AZURITE_VERSION,
    Disk,
    azurite_on_disk,
    install_azurite,
)
from local.dev.npm import InstallFailed, node_executable


def fake_install(root: Path, version: str, *, complete: bool) -> None:
    package = root / "node_modules" / "azurite"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": version}))
    if complete:
        (root / "node_modules" / ".package-lock.json").write_text("{}")


@pytest.mark.azurite
def test_the_connection_string_reaches_blobs_queues_and_tables(azurite: str) -> None:
    assert (
        list(BlobServiceClient.from_connection_string(azurite).list_containers(name_starts_with="no-")) == []
    )
    assert list(QueueServiceClient.from_connection_string(azurite).list_queues(name_starts_with="no-")) == []
    tables = TableServiceClient.from_connection_string(azurite)
    assert list(tables.query_tables("TableName eq 'none'")) == []


@pytest.mark.long
def test_what_an_emulator_with_a_disk_held_is_there_when_it_starts_again_on_its_ports(tmp_path: Path) -> None:
    install_azurite()
    disk = Disk(folder=tmp_path / "disk")
    with azurite_on_disk(disk, tmp_path / "first.log") as (_, connection):
        TableServiceClient.from_connection_string(connection).create_table("kept")
    blob, queue, table = (int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", connection))
    again = Disk(folder=disk.folder, ports=(blob, queue, table))
    with azurite_on_disk(again, tmp_path / "second.log") as (_, same):
        assert same == connection
        names = [one.name for one in TableServiceClient.from_connection_string(connection).list_tables()]
    assert names == ["kept"]


def test_node_is_the_real_executable_of_the_package() -> None:
    assert node_executable().read_bytes()[:4] == b"\x7fELF"


def test_a_complete_install_of_the_wanted_version_is_left_alone(tmp_path: Path) -> None:
    fake_install(tmp_path, AZURITE_VERSION, complete=True)
    install_azurite(tmp_path)
    assert not (tmp_path / ".driftward").exists()


@pytest.mark.parametrize(("version", "complete"), [("3.34.0", True), (AZURITE_VERSION, False)])
def test_another_version_or_a_cut_install_is_installed_anew(
    tmp_path: Path, version: str, complete: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without a lock file npm refuses at once, so the attempt shows without a download."""
    fake_install(tmp_path, version, complete=complete)
    with pytest.raises(InstallFailed, match=r"(?s)npm ci ended with 1.*package-lock\.json.*try again"):
        install_azurite(tmp_path)
    assert "installing the storage emulator" in capfd.readouterr().err
