"""What `make` calls: set-up, starting the roles, checking the machine.

Never here: anything the running product needs; `truecandle` never imports `tools`.
Invariant: `tools.setup` and all it imports run on plain Python, before anything is installed.
"""
