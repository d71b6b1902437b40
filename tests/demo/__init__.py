"""Tests of `qmath_cli.demo`."""
