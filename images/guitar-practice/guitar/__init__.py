"""The Django project: settings, addresses, and what the web server calls."""
