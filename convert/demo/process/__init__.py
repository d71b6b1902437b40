"""The demo's process reward model: which step of a solution is wrong.

marked    a judge that reads solutions with a mark after every step (trained)
altered   solutions with one wrong step, made from right ones
body      the model that is built around the judge
reading   the layer that reads the judge's surprise at the marks, and the head (trained)
locate    how often the wrong step is found, measured with the package's own engine
"""
