"""Where programs run: parent side, worker side, the static rules, and one confinement file per operating system."""
