"""`python -m driftward …` is the command `driftward`, which also begins here."""

import sys

_STOPPED = 130


def main() -> int:
    """The command; that somebody stops it while it is still being imported is no error either."""
    try:
        from driftward import cli
    except KeyboardInterrupt:
        return _STOPPED
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
