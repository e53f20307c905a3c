"""The leaderboard: rankings are submitted and scored here, with labels that stay here; scores are never taken on trust.

`submissions` is the file that a team sends, `board` the state behind the table, `web` the server and its pages; each
imports only those before it.
"""
