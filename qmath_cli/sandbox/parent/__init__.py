"""The trusted side of the executor: starting, watching and ending workers."""
