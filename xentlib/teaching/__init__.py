"""What the pages of the book need beside the numerics: SymPy in `symbolic`, Matplotlib in `figures`."""
