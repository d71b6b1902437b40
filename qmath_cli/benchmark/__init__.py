"""Speed: what the engine does per second here, beside llama.cpp's own tools and the memory of this machine."""
