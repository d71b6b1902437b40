"""The checks of `qmath doctor`: `installation` examines this machine, `servers` model servers."""
