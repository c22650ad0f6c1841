"""Which `policies.yaml` holds: the one that is named, the environment's, this folder's, or none.

Without a file the catalogue's own defaults hold, as they do in a file that says nothing but its version.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.config.configuration import Configuration
from shared.config.file_reading import parse_policies_file
from shared.config.policies_file import PoliciesFile
from shared.config.settings import Settings, read_settings
from shared.model.errors import ConfigurationError
from shared.model.values import value
from shared.policies import discover

_NAME: Final = "policies.yaml"
_VARIABLE: Final = "POLICIES_FILE"


@value
class Chosen:
    """What holds, and who says so."""

    configuration: Configuration
    settings: Settings
    source: str
    """In words: which file was read, and why that one."""


def chosen(given: Path | None, environment: Mapping[str, str]) -> Chosen:
    """``given``, else POLICIES_FILE, else policies.yaml of this folder. Raises ``ConfigurationError``."""
    settings = read_settings(environment)
    path, source = _path(given, environment)
    file = PoliciesFile(version=1) if path is None else _parsed(path)
    configuration = Configuration(file, settle_seconds=settings.settle_seconds)
    return Chosen(configuration=configuration, settings=settings, source=source)


def _path(given: Path | None, environment: Mapping[str, str]) -> tuple[Path | None, str]:
    if given is not None:
        return given, str(given)
    if named := environment.get(_VARIABLE, "").strip():
        return Path(named), f"{named} ({_VARIABLE})"
    if Path(_NAME).exists():
        return Path(_NAME), f"{_NAME} of this folder"
    return None, f"the catalogue's defaults (there is no {_NAME} here)"


def _parsed(path: Path) -> PoliciesFile:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: no UTF-8: {error.reason} at byte {error.start}") from error
    return parse_policies_file(text, discover(), name=path.name)
