"""Reading an answer: from cleaned text to its kind (see `kinds`), by the tree of the formula."""
