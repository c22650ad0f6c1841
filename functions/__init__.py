"""Triggers: take the payload apart, call ``shared``, acknowledge by returning or refuse by raising.

No word of policy is said here. Shared code is imported inside the functions, because whatever a
blueprint imports at the top is paid for by every cold start, and by the first answer to Event Grid.
"""
