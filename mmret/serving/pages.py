"""Pages in Gradio below an application of FastAPI's."""

from __future__ import annotations

import warnings

import gradio as gr
from fastapi import FastAPI


def mount(app: FastAPI, blocks: gr.Blocks, style: str) -> FastAPI:
    """Serve pages from the root of `app`, behind what it serves itself. They load nothing from elsewhere.

    `style` is their CSS.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SSR mode", UserWarning)  # gradio says so of any app of several pages
        return gr.mount_gradio_app(
            app,
            blocks,
            path="/",
            theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
            head=f"<style>{style}</style>",  # gradio rewrites what is given as css, and breaks selectors with :is()
            footer_links=[],
            run_history=False,
            show_error=False,
        )
