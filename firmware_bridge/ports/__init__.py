"""What bytes come and go through."""
