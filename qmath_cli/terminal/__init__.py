"""What a person sees: the only rooms that print, and the only ones that import rich or prompt_toolkit."""
