"""Input that nobody sensible sends, for everything that takes input from outside.

A case is made from a seed and its number alone, so it can be played again. ``junk`` makes values, each other
module plays one way in: ``events``, ``messages``, ``arm``, ``requests``. None of it may write to Azure, end
in an error that has no meaning, or leave a change in the journal.
"""
