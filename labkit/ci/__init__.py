"""What a run says to machines (JUnit, GitHub, pipes), and what the workflow asks for between its runs."""
