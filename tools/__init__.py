"""What makes pages, a PDF and notebooks for the browser of the chapters; CONTRIBUTING.md draws the way."""
