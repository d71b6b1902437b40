"""The strict rules: whether an answer equals the expected one by the usual standards of mathematics."""
