"""Real PyTorch as the judge: programs run, and what evalguard believes is held to that."""
