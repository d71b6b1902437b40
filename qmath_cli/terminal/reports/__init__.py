"""Tables and pages: benchmarks, evaluations, a doctor's findings."""
