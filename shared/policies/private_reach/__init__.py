"""How a server is reached privately: endpoints, zones, records, links."""
