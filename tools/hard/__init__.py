"""Inputs that ought to break evalguard → whether they do: commands for developers."""
