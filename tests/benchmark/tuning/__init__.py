"""Tests of what is measured of this machine, and of what is chosen from it."""
