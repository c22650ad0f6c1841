"""An alert: its identity and life, its words, the commands that a person is given. Nothing is sent here."""
