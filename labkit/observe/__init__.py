"""What the API server publishes, over time: requests, watches with known gaps, views, and how busy the machine was."""
