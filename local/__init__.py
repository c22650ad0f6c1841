"""What a developer's laptop needs: the demo, a host, a simulated Azure, the pages, benchmarks, checks.

Nothing here is deployed or installed; what people run is in ``driftward``.
"""
