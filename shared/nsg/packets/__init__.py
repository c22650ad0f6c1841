"""Sets of packets: spans of numbers, addresses, axes of positions, boxes, and whether boxes cover a cell."""
