"""Files at paths that a user gives: written whole or not at all, read within bounds."""

from .reading import reading as reading
from .writing import check_writable as check_writable
from .writing import replacing as replacing
from .writing import write as write
