"""The HTTP face: REST, Connect and the worker's REST protocol. It translates; no rule lives here."""
