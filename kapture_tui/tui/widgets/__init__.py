"""What draws: canvases that send only the cells that changed. They have no clients and no siblings."""
