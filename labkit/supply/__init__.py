"""Where a cluster comes from: the container engine, kind, the node image, the sample images' Python."""
