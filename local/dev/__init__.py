"""What working on the project needs: environments, the test suites, child processes, the emulator."""
