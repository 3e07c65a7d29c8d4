"""The Django project: settings, addresses, and the door for the web server."""
