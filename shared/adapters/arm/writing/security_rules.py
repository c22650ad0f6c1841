"""What is written to an NSG: one of its rules.

Both functions turn an edit into a call that sends it: with the headers and hooks that it is given, and
without polling. What must not live here: when it is sent, and whether it should be.
"""

from __future__ import annotations

from shared.adapters.arm.session.session import Session
from shared.adapters.arm.wire import security_groups
from shared.adapters.arm.writing.requests import Write
from shared.model import DeleteSecurityRule, PutSecurityRule


def put_security_rule(session: Session, edit: PutSecurityRule) -> Write:
    from azure.mgmt.network.models import SecurityRule as RuleModel

    nsg, rule = edit.nsg, edit.rule
    rules = session.clients.network(nsg.subscription).security_rules
    version = session.clients.versions.network
    return lambda headers, hooks: rules.begin_create_or_update(
        nsg.resource_group,
        nsg.name,
        rule.name,
        RuleModel(security_groups.security_rule_body(rule)),
        api_version=version,
        polling=False,
        headers=headers,
        **hooks,
    )


def delete_security_rule(session: Session, edit: DeleteSecurityRule) -> Write:
    nsg, rule = edit.nsg, edit.rule
    rules = session.clients.network(nsg.subscription).security_rules
    version = session.clients.versions.network
    return lambda headers, hooks: rules.begin_delete(
        nsg.resource_group,
        nsg.name,
        rule.name,
        api_version=version,
        polling=False,
        headers=headers,
        **hooks,
    )
