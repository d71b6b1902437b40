"""How far a quantized model's predictions are from another's: statistics, the base's log-probabilities, the passes."""
