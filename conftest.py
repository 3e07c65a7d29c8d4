"""What pytest needs to run the labs; everything is in labkit.plugin."""

pytest_plugins = ["labkit.plugin"]
