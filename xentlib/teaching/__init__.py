"""What the pages of the book need in addition to the numerics: SymPy in `symbolic`, Matplotlib in `figures`."""
