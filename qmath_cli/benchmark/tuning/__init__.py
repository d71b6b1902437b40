"""What this machine can do with a model: measured once, kept, and the fastest shape chosen from it."""
