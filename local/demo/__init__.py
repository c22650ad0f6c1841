"""The demonstration and what it stands on: the storage emulator, the simulator and the host together."""
