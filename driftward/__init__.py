"""The commands that people run: policies, explain-nsg, explain-flows, diagnose, replay."""
