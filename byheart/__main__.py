"""`python -m byheart` is `byheart`."""

import sys

from byheart.command.app import main

if __name__ == "__main__":
    sys.exit(main())
