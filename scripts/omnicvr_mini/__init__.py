"""Parts of the script that builds the omnicvr-mini benchmark (see ../build_omnicvr_mini.py)."""
