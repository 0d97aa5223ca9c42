"""The runtime of training: device, memory allocator, threads and paths of files."""
