"""Which models exist, which are on this disk, how they come here, and whether they fit."""
