"""The documentation: pages written by hand, and the programs that generate the reference and the pictures."""
