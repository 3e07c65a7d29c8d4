"""What is claimed, and how it is judged: claims, their sabotages and windows, the ledger, verdicts and their file."""
