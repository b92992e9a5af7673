"""Benchmarks. They print the machine, the settings and its floor beside each figure; nothing here is a timed test."""
