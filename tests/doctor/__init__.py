"""Tests of `qmath_cli.doctor`."""
