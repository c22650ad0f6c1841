"""How a server is reached publicly: public access and firewall rules."""
