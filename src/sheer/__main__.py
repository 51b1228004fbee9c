"""`python -m sheer`: the same as the command `sheer`."""

import sys

from sheer.cli import main

sys.exit(main())
