"""The state of a board: database, files, teams, jobs, scoring."""
