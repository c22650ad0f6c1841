"""From ARM's JSON to the project's values and back: pure, no I/O."""
