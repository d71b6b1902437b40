"""Drafts: tokens that may come next, guessed at little cost and verified together in one step of the batch."""
