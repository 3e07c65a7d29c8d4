"""One claim's place on the cluster, and the words in which its lab speaks."""
