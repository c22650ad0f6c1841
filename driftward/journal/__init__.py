"""Whether the journal is the one that was written: its chains, what they vouch for, and Azure's own log."""
