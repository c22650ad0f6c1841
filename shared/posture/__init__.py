"""What a server or a subnet is, read off one snapshot, and what policies share to say so."""
