"""What is recorded and who is warned: parameters of the log, diagnostic settings, threat protection."""
