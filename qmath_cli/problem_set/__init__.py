"""Many problems at once: read from a file in any of the usual forms, and results that survive a kill."""
