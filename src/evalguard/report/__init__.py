"""``Result`` → text: each reporter is a function of what it is given, and prints nothing."""
