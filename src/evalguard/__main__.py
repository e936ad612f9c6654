"""``python -m evalguard`` → the command."""

from __future__ import annotations

import sys

from evalguard.cli import main

if __name__ == "__main__":
    sys.exit(main())
