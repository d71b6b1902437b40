"""Output for people and programs: the only package that prints, and that imports rich or prompt_toolkit."""
