"""What a model is given to read: ChatML, few-shot formats, and which of them suits which model."""
