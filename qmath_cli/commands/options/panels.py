"""The groups in which `--help` shows the options."""

PROBLEM = "Problem"
DATA = "Data"
MODEL = "Model"
SAMPLING = "Sampling"
PROGRAMS = "Programs"
OUTPUT = "Output"
