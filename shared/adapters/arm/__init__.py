"""The ARM gateway: the only importer of the management SDKs."""
