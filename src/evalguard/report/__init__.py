"""``Result`` → text: one pure function for each form of report."""
