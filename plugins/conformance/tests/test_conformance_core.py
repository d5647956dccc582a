"""All that this distribution offers passes the conformance kit in full, three methods of four by hand."""

from __future__ import annotations

import pytest
from rheobase.conformance import Suite


class TestAnalog(Suite):
    component = "analog"
    profile = "full"


class TestRK1(Suite):
    component = "rk1"
    profile = "smoke"


@pytest.mark.by_hand
class TestRK1InFull(TestRK1):
    profile = "full"


class TestRK2(Suite):
    component = "rk2"
    profile = "smoke"


@pytest.mark.by_hand
class TestRK2InFull(TestRK2):
    profile = "full"


class TestRK3(Suite):
    component = "rk3"
    profile = "smoke"


@pytest.mark.by_hand
class TestRK3InFull(TestRK3):
    profile = "full"


class TestRK4(Suite):
    component = "rk4"
    profile = "full"


class TestSum(Suite):
    component = "sum"
    profile = "full"


class TestMean(Suite):
    component = "mean"
    profile = "full"


class TestProduct(Suite):
    component = "product"
    profile = "full"


class TestShunting(Suite):
    component = "shunting"
    profile = "full"


class TestAtan(Suite):
    component = "atan"
    profile = "full"


class TestSigmoid(Suite):
    component = "sigmoid"
    profile = "full"


class TestFastSigmoid(Suite):
    component = "fast-sigmoid"
    profile = "full"


class TestSuperSpike(Suite):
    component = "super-spike"
    profile = "full"


class TestGaussian(Suite):
    component = "gaussian"
    profile = "full"


class TestTriangle(Suite):
    component = "triangle"
    profile = "full"


class TestRectangle(Suite):
    component = "rectangle"
    profile = "full"
