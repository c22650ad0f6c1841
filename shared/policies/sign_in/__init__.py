"""Who signs in, and how: identities, passwords, TLS."""
