"""Who can connect to a server, and what is in the way? Asked of the model of ways, told in the order of the
Private Link article.

``who`` takes what a person says; ``azure`` reads the server and whoever is meant where nobody is named;
``asking`` has ``shared.posture.ways`` judge each and say what mends it; ``words``, ``show`` and ``view`` tell
it, to people and to machines. Nothing is judged here.
"""
