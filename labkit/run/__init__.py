"""One pytest run: what is selected, its cluster, its observations, its closing lines; and one run after another."""
