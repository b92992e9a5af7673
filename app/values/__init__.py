"""Values under names: key-values in buckets, configuration documents, secrets."""
