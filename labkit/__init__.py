"""What the labs share: claims, the cluster they are tried on, and the verdicts that come of it."""
