"""The command line: words to objects, objects to the benchmark, records to results."""
