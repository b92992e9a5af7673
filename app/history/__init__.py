"""The heart: facts, the committer that records them, the tail that others follow, the fold that derives."""
