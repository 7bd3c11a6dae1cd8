"""What computing costs: meters behind one interface, stages that never count a joule twice, and models with ranges."""
