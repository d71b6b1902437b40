"""The untrusted side of the executor: what runs inside a worker process."""
