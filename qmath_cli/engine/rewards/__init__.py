"""Reward models: a body that llama.cpp computes, and a head from a second file that is applied here, in float32.

head       the layers of a head, and their file
outcome    one number for a whole conversation, read at its last token
process    one number for every step of a solution, read at the marks behind the steps
"""
