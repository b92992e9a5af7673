"""The Debug Adapter Protocol over recorded runs, version 1.71 of its specification."""
