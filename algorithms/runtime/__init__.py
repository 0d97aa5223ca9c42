"""The process that trains: device, memory allocator, threads, and where files lie."""
