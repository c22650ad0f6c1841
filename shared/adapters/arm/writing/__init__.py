"""Sending one edit, and following what ARM makes of it."""
