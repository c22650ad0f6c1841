"""What `policies` shows: the catalogue, one policy of it, and what holds for one resource. No Azure."""
