"""How gunicorn serves the app; it reads this file by itself from the folder it is started in."""

import os

workers = int(os.environ.get("WEB_WORKERS", "1"))
threads = 8
accesslog = "-"
# In /tmp, so that the root file system can be read-only.
worker_tmp_dir = "/tmp"
control_socket_disable = True


def on_starting(_server):
    """Bring the database up to date before the first request; it is this process's own file."""
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "guitar.settings")
    execute_from_command_line(["manage.py", "migrate", "--verbosity=0"])
