"""One suite for every implementation of the state interfaces: in memory, and the real clients on Azurite."""
