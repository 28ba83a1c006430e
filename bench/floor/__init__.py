"""The floor: bare Django views with hand-written SQL. No authentication, validation, evidence or middleware."""
