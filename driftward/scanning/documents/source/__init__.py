"""The source of a plan or a deployment: which file and line set a value, and the smallest edit there."""
