"""Where a cluster comes from: the container engine, kind, the node image and the base of the sample images."""
