"""What servers of pages share: media by ranges, guarded routes, Gradio below FastAPI, a local server until Ctrl-C."""
