"""The structure of a field: whether it is linear, told from the author's own operations."""

from .linear import affine as affine
from .linear import conditionally_linear as conditionally_linear
from .linear import linear as linear
