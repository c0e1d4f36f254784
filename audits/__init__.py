"""Run xentlib.audit on the losses of other libraries, and write the page: `make audit`."""
