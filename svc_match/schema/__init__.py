"""The migrations of svc_match's own PostgreSQL schema."""
