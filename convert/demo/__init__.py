"""How the demo checkpoint was made: problems, solutions, tokenizer, model, training and export."""
