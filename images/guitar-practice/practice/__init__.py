"""What is practised, and when it was."""
