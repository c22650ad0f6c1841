"""The catalogue played: for every policy one scenario, through the simulator and the real SDK clients.

A scenario is one file, ``scenarios/<policy id with underscores>.py``, that exports ``SCENARIO``; it is
found like policies are, there is no list to edit. It says what stands in Azure before (``seed``), what a
person does (``drift``), and what Driftward is to come to (``outcome``, ``reason``). Everything else is the
same for all and lives in ``stage.py``::

    from local.simulator import seeds
    from shared.model import Outcome, Reason, TargetKind
    from tests.catalogue.scenario import Scenario, patch

    SERVER = seeds.flexible_server_id(name="logs")

    SCENARIO = Scenario(
        policy="postgres-log-connections-off",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=(seeds.flexible_server(name="logs"),),
        drift=(patch(f"{SERVER}/configurations/log_connections", {"properties": {"value": "off"}}),),
        outcome=Outcome.REVERTED,
    )

- ``outcome`` is ``REVERTED`` (then ``reason`` is ``DRIFT``, and a policy whose safety is APPROVAL is first
  seen to ask, then approved) or ``ALERTED`` (then ``reason`` says with which: ``NO_PLAN`` for one that only
  alerts).
- An alert says what a person can do: by a planned or suggested edit, or in its evidence as ``whatToDo``.
- ``settings`` is text of ``policies.yaml``. Only the scenario's policy is on, with effect revert; what the
  text says is laid over that: parameters, further policies.
- A drift that nobody makes by a call (a key that cannot be reached any more) is ``happening(body, …)``.
- After a revert Azure is as before the drift. Where the change is another one (a rule beside the one that a
  person added) ``leaves`` names the ids that differ, or what they lie under.
- ``switches`` set what documentation leaves open (``local/simulator/switches.py``), by their Python names.
- ``part`` is the ARM action of an optional part: refused, it makes this policy ``Unknown`` and no other.
- Whether the event or the sweep must find it is the policy's own metadata (``raised_by``).
- ``ALSO`` may export a tuple of further scenarios of the policy, each with a ``name``: a single server, say.

One runs with ``pytest tests/catalogue -k <policy id>``.
"""
