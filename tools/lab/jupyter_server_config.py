"""How `make lab` differs from a bare `jupyter lab`. `labconfig/` says what is switched off, and how notebooks open."""

c = get_config()  # noqa: F821 - Jupyter's

c.ServerApp.answer_yes = True  # Ctrl-C stops it at once
c.ServerApp.port_retries = 0  # a port that is taken is an error, and not a reason to take another
c.ServerApp.allow_root = True  # whoever is root in a container
c.Application.log_level = "ERROR"  # of the rest, its address is all that one needs to know
c.KernelManager.transport_encryption = "auto"  # else each kernel warns that it has none
