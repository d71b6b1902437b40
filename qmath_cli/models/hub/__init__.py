"""Downloads from the Hugging Face hub: metadata, files, checkpoints and data sets."""
