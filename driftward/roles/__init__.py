"""Signing in to a server and reading what lies inside: the world's side of ``shared.roles``."""
