"""A storm: programs over every kind of step, clients that insist, and kills of server and workers at random instants.

`functions.py` is the worker, `clients.py` what emits and remembers what was acknowledged, `faults.py` what kills,
`oracle.py` what has to hold afterwards.
"""
