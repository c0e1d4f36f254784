"""How much is looked at: `make thorough` takes its time, `make test` looks at a sample where there is a choice."""

import os

THOROUGH = bool(os.environ.get("XENTLIB_THOROUGH"))
