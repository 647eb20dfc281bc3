"""Who may do what: tokens and their scopes, the file that they are in, limits, the audit log."""
