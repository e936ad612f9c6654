"""What is read around the files that are checked; ``choosing`` decides."""
