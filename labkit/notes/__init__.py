"""Anybody's notes about Kubernetes: read, understood, planned, run on a throw-away cluster, judged, and mended."""
