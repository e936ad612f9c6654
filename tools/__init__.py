"""What developers of evalguard measure it with; none of it is installed."""
