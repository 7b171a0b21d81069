"""The loamscan wire protocol, both sides of it."""
