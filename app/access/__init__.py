"""Who may do what: identities, roles, tenants, and the one question that every face asks."""
