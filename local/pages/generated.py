"""Every generated file, by its path in the project.

The catalogue of policies and the permissions with ready role definitions, one page a family; the reasons,
the table of events with Event Grid's filter, what covers which demand of a framework, what is asked of the
inside of a server, what the field found, who may ask which route and what makes them sign in, the JSON
Schemas of `policies.yaml` and of our events, the OpenAPI document, what stands between markers in the README,
the sample of local settings, and the demonstration's subscription as a seed for the simulator. Everything is
made from the code that it describes, or from the data beside its generator; a text that exists only here
would be a second truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.demo.world import resources
from local.dev.environments import ROOT
from local.pages.authorisation_page import authorisation_page
from local.pages.checks_page import checks_page
from local.pages.coverage_page import coverage_page
from local.pages.event_schema import event_schema
from local.pages.events_page import event_filter, events_page
from local.pages.field_page import field_page
from local.pages.markdown import GENERATED, json_text
from local.pages.permissions_page import permissions_pages
from local.pages.policies_page import policies_pages
from local.pages.readme import readme, sample_settings
from local.pages.reasons_page import reasons_page
from local.pages.roles import role_definition, roles
from local.pages.schema import policies_schema
from local.pages.sign_in import sign_in_files
from local.pages.transcript import STORED
from shared.api.openapi import document
from shared.api.routes import ROUTES

_BY_FAMILY: Final = ("docs/policies", "docs/permissions")


def documents() -> dict[str, str]:
    """Every generated file. Raises CannotGenerate."""
    return {
        **policies_pages(),
        **permissions_pages(),
        "docs/reasons.md": reasons_page(),
        "docs/events.md": events_page(),
        "docs/event-filter.json": json_text(event_filter()),
        "docs/coverage.md": coverage_page(),
        "docs/checks.md": checks_page(),
        "docs/field.md": field_page(),
        "docs/policies.schema.json": json_text(policies_schema()),
        "docs/authorisation.md": authorisation_page(),
        **sign_in_files(),
        "docs/openapi.json": json_text(document(ROUTES)),
        "docs/schemas/driftward-event.schema.json": json_text(event_schema()),
        "docs/examples/subscription.json": json_text({"resources": resources()}),
        "local.settings.sample.json": sample_settings(),
        "README.md": readme(present("README.md"), present(STORED)),
        **{f"docs/roles/{role.file}": json_text(role_definition(role)) for role in roles()},
    }


def outdated(wanted: Mapping[str, str], root: Path) -> list[str]:
    """The files below `root` that are absent or differ."""
    return [name for name, text in wanted.items() if present(name, root) != text]


def left_over(wanted: Mapping[str, str], root: Path) -> list[str]:
    """Generated pages below `root` of families that are no more."""
    pages = (page for folder in _BY_FAMILY for page in sorted((root / folder).glob("*.md")))
    names = ((page, page.relative_to(root).as_posix()) for page in pages)
    return [name for page, name in names if name not in wanted and GENERATED in page.read_text("utf-8")]


def present(name: str, root: Path = ROOT) -> str:
    """The file as it is; empty where it is absent."""
    path = root / name
    return path.read_text(encoding="utf-8") if path.exists() else ""
