"""What servers of pages share: addresses, media by ranges, guarded routes, Gradio below FastAPI, a local server."""
