"""What resembles what: failures that are the same, failures that are near, and anything by id or text."""
