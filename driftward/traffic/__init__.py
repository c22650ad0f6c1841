"""Answering questions about one NSG: documents in, answers as JSON or for people out. Nothing asks Azure."""
