"""Who is best: submissions, the board that scores them, and its pages."""
