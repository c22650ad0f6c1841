"""Reading targets and their surroundings, and finding targets."""
