"""Speed measurements: the engine, llama.cpp's own tools for comparison, and the machine's memory bandwidth."""
