"""Pure tensor -> tensor maths; torch only."""
