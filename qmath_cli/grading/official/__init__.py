"""The grading rules of the Qwen2.5-Math evaluation, oddities included, so that scores compare."""
