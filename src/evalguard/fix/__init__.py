"""Findings and files → files without them: edits that leave all else as it is.

``planning`` turns repairs into edits, ``mending`` tries them out, ``writing`` puts them on disk.
"""
