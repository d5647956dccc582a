"""All that this distribution offers passes the conformance kit, in full."""

from __future__ import annotations

from rheobase.conformance import Suite


class TestAnalog(Suite):
    component = "analog"
    profile = "full"


class TestRK1(Suite):
    component = "rk1"
    profile = "full"


class TestRK2(Suite):
    component = "rk2"
    profile = "full"


class TestRK3(Suite):
    component = "rk3"
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
