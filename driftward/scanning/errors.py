"""Why a scan cannot begin."""


class NoScope(ValueError):
    """What was given names nothing that can be scanned."""


class CannotGoOn(ValueError):
    """What was broken off is not there, or is another scan."""
