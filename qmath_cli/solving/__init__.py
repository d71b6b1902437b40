"""One problem: an attempt as a state machine, many attempts over one engine, and the vote among their answers."""
