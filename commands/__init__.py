"""The commands of the command line: words to objects, objects to the bench, records to results."""
