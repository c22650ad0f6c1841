"""The routes of exemptions, as the table of routes has them."""

from __future__ import annotations

from typing import Final

from shared.api.bodies import ExemptionBody, RevokeBody
from shared.api.exemptions import add_exemption, list_exemptions, revoke_exemption
from shared.api.queries import ExemptionQuery
from shared.api.rights import Right
from shared.api.route import BAD_BODY, Route, Success, with_deps

EXEMPTION_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        name="list_exemptions",
        method="GET",
        path="exemptions",
        summary="Exemptions wherever they were given, those that end first come first",
        handler=with_deps(list_exemptions),
        successes=(
            Success(status=200, text="The exemptions that fit", shown="Exemption", many=True, paged=True),
        ),
        query=ExemptionQuery,
    ),
    Route(
        name="add_exemption",
        method="POST",
        path="exemptions",
        summary="Exempt a scope from a policy, for a while and with a reason; people are told",
        handler=with_deps(add_exemption),
        successes=(Success(status=200, text="The exemption, which stands", shown="Exemption"),),
        problems=(*BAD_BODY, "own-write", "exemption-forbidden", "concurrent-change"),
        body=ExemptionBody,
        right=Right.APPROVE,
    ),
    Route(
        name="revoke_exemption",
        method="POST",
        path="exemptions/{id}/revoke",
        summary="End an exemption that no file gives; what it covered is looked at now",
        handler=with_deps(revoke_exemption),
        successes=(Success(status=200, text="The exemption, ended", shown="Exemption"),),
        problems=(*BAD_BODY, "not-found", "exemption-in-file", "concurrent-change"),
        body=RevokeBody,
        body_required=False,
        right=Right.OPERATE,
    ),
)
