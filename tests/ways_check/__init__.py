"""A second opinion on who can connect, by another way: every completion of a small world is tried.

It shares the values of ``shared`` (snapshots, the world that is asked about, the three states) and no line of
code that judges them, so that both must be wrong alike to be wrong unnoticed.

``worlds``        small worlds from seeds, of which ``hiding`` takes parts as a reading lacks them
``walk``          one packet in one completion, by the sentences of docs/ways.md; ``lookups`` its name,
                  ``surroundings`` what was read or is chosen, ``packets`` lists of rules and routes
``completions``   all of them, one after the other
``agreement``     on what a verdict differs, and where it is seen
"""
