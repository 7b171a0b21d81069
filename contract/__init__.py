"""What crosses a border: records, their acknowledgement, the bundle, topics and reason codes."""
