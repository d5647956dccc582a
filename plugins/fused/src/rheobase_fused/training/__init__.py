"""Layers in kernels: many steps and their derivative, both from the step that was followed."""
