"""The trusted side of the executor: starts, watches and ends workers."""
