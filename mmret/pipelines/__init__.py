"""Where material and questions come from: rendering, reading pictures, and what makes a benchmark of them."""
