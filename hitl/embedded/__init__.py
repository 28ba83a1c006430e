"""Everything one laptop needs to run hitl without a server installed: PostgreSQL, a broker, a supervisor."""
