"""Drafts: what is proposed, when it is used, and that it never changes a text."""
