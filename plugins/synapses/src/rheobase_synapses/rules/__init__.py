"""The rules by which sources and targets are connected: pure functions, any part of the targets by itself."""

from .chances import bernoulli as bernoulli
from .degrees import fixed_indegree as fixed_indegree
from .degrees import fixed_outdegree as fixed_outdegree
from .distances import distance as distance
from .totals import fixed_total as fixed_total
from .whole import all_to_all as all_to_all
from .whole import one_to_one as one_to_one
