"""What is remembered between runs, over tables, blobs and one queue. Nothing is decided here."""
