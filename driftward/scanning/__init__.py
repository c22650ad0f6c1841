"""What `driftward scan` is made of: which scopes, the looks, going on after a break, and what it comes to."""
