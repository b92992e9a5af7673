"""Handing runs to workers and taking their reports; below every transport of workers."""
