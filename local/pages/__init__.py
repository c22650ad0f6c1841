"""The generators of documentation: every page that is made from the code it describes."""
