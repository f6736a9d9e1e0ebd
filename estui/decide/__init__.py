"""Pure functions: scenarios, plan, diff, run-book. No clock, no randomness, no files, no sockets."""
