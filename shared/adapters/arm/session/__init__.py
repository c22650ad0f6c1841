"""Asking ARM: the clients, one run's requests, and what a refusal means."""
