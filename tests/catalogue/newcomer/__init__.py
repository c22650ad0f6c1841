"""A policy that the catalogue does not have, with what it brings; ``test_newcomer`` adds it to a copy."""
