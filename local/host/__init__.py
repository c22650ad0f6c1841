"""An emulation of the Azure Functions host around the engine that Azure itself runs."""
