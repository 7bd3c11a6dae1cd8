"""Methods that make up the inputs they learn from."""
