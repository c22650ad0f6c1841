import sys

from local.host.host import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
