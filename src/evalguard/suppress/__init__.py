"""Findings → those to be shown: what comments, configuration and baselines say against them."""
