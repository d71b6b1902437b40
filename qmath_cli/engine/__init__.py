"""Decoding with llama.cpp: the only part of qmath that imports llama_cpp. The engine itself is in `batch`."""
