"""Integrators: the contract, and the Runge-Kutta methods of the core."""

from .contract import Advance as Advance
from .contract import EventIntegrator as EventIntegrator
from .contract import Field as Field
from .contract import Integrator as Integrator
from .contract import Time as Time
from .equation import Equation as Equation
from .event import Event as Event
from .location import Located as Located
from .location import locate as locate
from .runge_kutta import RungeKutta as RungeKutta
from .runge_kutta import rk1 as rk1
from .runge_kutta import rk2 as rk2
from .runge_kutta import rk3 as rk3
from .runge_kutta import rk4 as rk4
from .status import Status as Status
