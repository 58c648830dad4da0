"""From the index of runs to a list: newest first, filtered, sorted; no run folder is opened."""
