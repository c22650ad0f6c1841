"""May it be done? The proof of a change, the decision, the difference it makes, the times it may be made."""
