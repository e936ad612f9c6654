"""Configuration: what files and the command line say → ``Settings``, and where each is from."""
