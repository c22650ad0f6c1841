"""The report as one HTML page that needs nothing else: ``page.whole`` makes it of a ``Report``.

``figures`` counts, ``summary`` writes what is read without a script, ``data`` is what the script (report.js)
makes tables of, ``assets`` are script and style with their hashes, ``markup`` escapes. What a reader asks
first stands first. Names are chosen by strangers: every text goes through ``markup`` or into JSON, and the
page's own policy lets nothing run but this script, and nothing be loaded.
"""
