"""The instrument: an HTTP server that labs break on request, and that writes down what was done to it."""
