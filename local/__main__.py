"""`python -m local …`: policies, demo, up, replay, explain-nsg, explain-flows, diagnose, new-policy.

Only the arguments are parsed here; each command's own module is imported when it is asked for, so that one
command does not pay for another's dependencies. Every command returns its exit code as INTERFACES has it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from driftward.diagnose_arguments import add_diagnose
from driftward.explain_arguments import add_explain_nsg
from driftward.flow_arguments import add_explain_flows
from driftward.policy_arguments import add_policies


def main(argv: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["new-policy"]:
        from local.dev.new_policy import new_policy

        new_policy.main(words[1:], prog_name="python -m local new-policy")
    given = _parser().parse_args(words)
    match given.command:
        case "policies":
            from driftward.policies import run_policies

            return run_policies(given)
        case "demo":
            from local.demo.story import demo

            return demo()
        case "up":
            from local.demo.up import up

            return up()
        case "explain-nsg":
            from driftward.explain_nsg import explain_nsg

            return explain_nsg(given)
        case "explain-flows":
            from driftward.explain_flows import explain_flows

            return explain_flows(given)
        case "diagnose":
            from driftward.diagnose import diagnose

            return diagnose(given)
        case _:
            from driftward.replay import replay

            return replay(given.file, given.to)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Driftward on your own machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_policies(commands)
    commands.add_parser("demo", help="an operator drifts a simulated subscription, Driftward answers")
    commands.add_parser("up", help="simulator, storage emulator and host, until Ctrl-C")
    commands.add_parser("new-policy", help="the files of a policy that is to be filled in")
    replayed = commands.add_parser("replay", help="post recorded events to a webhook, as Event Grid would")
    replayed.add_argument("file", type=Path, metavar="EVENT.json", help="one event or a list of events")
    replayed.add_argument("--to", required=True, metavar="URL", help="the webhook, with its key")
    add_explain_nsg(commands)
    add_explain_flows(commands)
    add_diagnose(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
