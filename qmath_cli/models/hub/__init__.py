"""What comes from the hub: the only code of the program that opens a socket."""
