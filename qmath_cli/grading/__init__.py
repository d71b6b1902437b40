"""From text to an answer, and from two answers to a verdict."""
