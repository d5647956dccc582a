"""The backend ``fused`` of Rheobase: declared models, compiled to kernels of many steps.

Nothing is imported from here: install the distribution, and ask for ``backend="fused"`` or ``"auto"``.
"""
