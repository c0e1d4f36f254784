"""How xentlib compares with its peers in speed, memory and accuracy: `make bench`."""
