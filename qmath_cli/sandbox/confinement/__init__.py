"""The layers that confine a worker, one file per system and layer, and the probes that test them."""
