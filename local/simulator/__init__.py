"""An Azure subscription in memory, over HTTP: what the real SDK clients talk to where no Azure is at
hand.

`server.py` listens, `arm.py` answers a call, `handlers.py` says what each resource type does, `admin.py`
is the simulator's own interface under `/_sim`. `client.py` and `seeds.py` are for those who use it. It
imports nothing of the project's own policy code and is never deployed.
"""
