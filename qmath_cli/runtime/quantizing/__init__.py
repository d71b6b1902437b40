"""What a conversion measures with the checkpoint's own weights: what columns and matrices matter, what bits cost."""
