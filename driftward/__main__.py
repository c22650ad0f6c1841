"""`python -m driftward …` is the command `driftward`."""

import sys

from driftward.cli import main

if __name__ == "__main__":
    sys.exit(main())
