"""Settings, from the environment where they differ from place to place."""

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

DEBUG = os.environ.get("DEBUG") == "1"
# Nothing is signed here, so a key that lasts as long as the process will do where none is given.
SECRET_KEY = os.environ.get("SECRET_KEY") or get_random_secret_key()
# The kubelet asks by the Pod's address, Services by their names: who may ask is the cluster's affair.
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "*").split(",")

INSTALLED_APPS = ["practice"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "guitar.urls"
WSGI_APPLICATION = "guitar.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
APPEND_SLASH = False

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ.get("DATA_DIR", "/data")) / "practice.sqlite3",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True
