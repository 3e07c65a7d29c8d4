"""The strings of a guitar."""

STRINGS = "EADGBE"
