"""What touches the world: the only importers of Azure's SDKs and of tenacity. No judgement lives here."""
