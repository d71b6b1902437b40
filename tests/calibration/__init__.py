"""The text that models are measured on."""
