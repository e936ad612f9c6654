"""``evalguard`` and ``python -m evalguard`` → the command, as a process of its own.

Most of a short run is making functions and classes that stay until its end, so the garbage
collector looks for none of them, neither meanwhile nor at the end.
"""

from __future__ import annotations

import sys

from evalguard.collector import at_rest, let_be


def main() -> int:
    """Run the command.

    Returns:
        The exit code.
    """
    with at_rest():
        from evalguard.cli import main as run

        code = run()
        let_be()
    return code


if __name__ == "__main__":
    sys.exit(main())
