"""An NSG from any document that a person may hold: ``az``, the portal, ARM, templates with expressions."""
