"""Who can connect to a server, and why: the ways from a client to it, three-valued throughout.

A way is: the name resolves to an address for this client, a route leads there, admin rules and NSGs let it
out and in, and the gate opens. ``verdict`` answers for one client; ``world`` has what is asked about,
``answers`` what is said; ``names``, ``routes``, ``groups`` and ``gates`` each judge one part of a way. The
model is described in docs/ways.md. Pure.
"""
