"""Panels for JupyterLab: they make controls, call the engine and show its figures."""
