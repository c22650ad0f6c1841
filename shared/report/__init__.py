"""What was found on an estate at a time, and the forms in which people and other tools read it.

``estate`` is what a scan has read and judged, ``rows`` are its findings one by one, and each module of
``forms`` writes them in one form. Pure: nothing here asks Azure, opens a file or knows the time.
"""
