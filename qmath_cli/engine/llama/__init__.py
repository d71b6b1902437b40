"""llama.cpp through its C API: library, devices, model, context, and the preflight check of the installed build."""
