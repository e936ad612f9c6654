"""Commands that time evalguard."""
