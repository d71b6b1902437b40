"""What holds and how fast it is on a machine with an NVIDIA GPU, in one command and one table.

    python -m tests.device.pack --llama-cpp SOURCE     here, once: gathers what must travel, in tests/device/packed/
    python3 -m tests.device                            there: builds, converts, measures, prints

The machine needs an x86-64 Linux, the CUDA toolkit with nvcc, CMake, a C++ compiler, and Python 3.12 with numpy; no
network. `packed/` has the sources of llama.cpp that are built there and the Python packages as wheels, under 60 MiB.
"""
