"""Reports as text and HTML: benchmarks, evaluations, the checks of `doctor`."""
