"""What outlives an outage: backups, standbys, encryption keys, what may be installed."""
