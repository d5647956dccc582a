"""The structure of a field: whether it is linear, told from the author's own operations."""

from .linearity import affine as affine
from .linearity import conditionally_linear as conditionally_linear
from .linearity import linear as linear
