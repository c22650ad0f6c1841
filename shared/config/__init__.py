"""What was configured: settings, ``policies.yaml``, scopes, exemptions. Nothing is remembered here."""
