"""The debugger: moving through the past of runs. A client: it uses the public SDK only."""
