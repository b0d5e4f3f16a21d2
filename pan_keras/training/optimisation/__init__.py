"""What a step of training moves, and how far: losses, optimizers, rates, averages."""
