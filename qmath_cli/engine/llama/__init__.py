"""llama.cpp through its C API: the library, a model, a context, devices, and whether a build runs here."""
