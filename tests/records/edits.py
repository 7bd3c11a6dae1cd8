"""Pairs of sources of a ``thing`` whose numbers differ."""

from __future__ import annotations

EDITS = {
    "a body": ("def thing(x): return x * 2", "def thing(x): return x * 3"),
    "an operator": ("def thing(x): return x * 2", "def thing(x): return x ** 2"),
    "a name": ("import math\ndef thing(x): return math.sin(x)", "import math\ndef thing(x): return math.cos(x)"),
    "a default": ("def thing(x, rate=0.0): return x * rate", "def thing(x, rate=0.95): return x * rate"),
    "a keyword default": ("def thing(x, *, rate=0.0): return x", "def thing(x, *, rate=0.95): return x"),
    "a default that is a list": ("def thing(x, w=[1, 2]): return x", "def thing(x, w=[2, 1]): return x"),
    "a global": ("rate = 0.0\ndef thing(x): return x * rate", "rate = 0.95\ndef thing(x): return x * rate"),
    "a global in a comprehension": (
        "w = 1\ndef thing(x): return [w * v for v in x]",
        "w = 2\ndef thing(x): return [w * v for v in x]",
    ),
    "a global dict": (
        "c = {'rate': 0}\ndef thing(x): return x * c['rate']",
        "c = {'rate': 1}\ndef thing(x): return x * c['rate']",
    ),
    "a global array": (
        "import numpy\nw = numpy.zeros(3)\ndef thing(x): return x * w",
        "import numpy\nw = numpy.ones(3)\ndef thing(x): return x * w",
    ),
    "a global tensor": (
        "import torch\nw = torch.zeros(3)\ndef thing(x): return x * w",
        "import torch\nw = torch.ones(3)\ndef thing(x): return x * w",
    ),
    "an attribute of a global class": (
        "class C: noise = 0\ndef thing(x): return x + C.noise",
        "class C: noise = 50\ndef thing(x): return x + C.noise",
    ),
    "a helper": (
        "def scaled(x): return x\ndef thing(x): return scaled(x)",
        "def scaled(x): return -x\ndef thing(x): return scaled(x)",
    ),
    "a helper of a helper": (
        "def a(x): return x\ndef b(x): return a(x)\ndef thing(x): return b(x)",
        "def a(x): return -x\ndef b(x): return a(x)\ndef thing(x): return b(x)",
    ),
    "helpers that call each other": (
        "def a(x): return thing(x - 1) if x else 0\ndef thing(x): return a(x)",
        "def a(x): return thing(x - 2) if x else 0\ndef thing(x): return a(x)",
    ),
    "a closure": (
        "def make(n):\n def f(x): return x + n\n return f\nthing = make(0)",
        "def make(n):\n def f(x): return x + n\n return f\nthing = make(50)",
    ),
    "a lambda": ("thing = lambda x: x + 1", "thing = lambda x: x + 2"),
    "a function inside": (
        "def thing(x):\n def g(y): return y + 1\n return g(x)",
        "def thing(x):\n def g(y): return y + 2\n return g(x)",
    ),
    "a global read inside": (
        "n = 1\ndef thing(x):\n def g(y): return y + n\n return g(x)",
        "n = 2\ndef thing(x):\n def g(y): return y + n\n return g(x)",
    ),
    "what a decorator wraps": (
        "import functools\ndef d(f):\n @functools.wraps(f)\n def g(*a): return f(*a)\n return g\n@d\ndef thing(x): return 1",
        "import functools\ndef d(f):\n @functools.wraps(f)\n def g(*a): return f(*a)\n return g\n@d\ndef thing(x): return 2",
    ),
    "what a decorator does": (
        "import functools\ndef d(f):\n @functools.wraps(f)\n def g(*a): return f(*a)\n return g\n@d\ndef thing(x): return 1",
        "import functools\ndef d(f):\n @functools.wraps(f)\n def g(*a): return -f(*a)\n return g\n@d\ndef thing(x): return 1",
    ),
    "under torch.no_grad": (
        "import torch\n@torch.no_grad()\ndef thing(x): return x",
        "import torch\n@torch.no_grad()\ndef thing(x): return -x",
    ),
    "a remembering function": (
        "import functools\n@functools.lru_cache\ndef thing(x): return 1",
        "import functools\n@functools.lru_cache\ndef thing(x): return 2",
    ),
    "an argument of a partial": (
        "import functools\ndef f(x, p): return p\nthing = functools.partial(f, p=0.0)",
        "import functools\ndef f(x, p): return p\nthing = functools.partial(f, p=0.95)",
    ),
    "an attribute of a function": ("def thing(x): return x\nthing.rate = 1", "def thing(x): return x\nthing.rate = 2"),
    "the object of a bound method": (
        "class C:\n def __init__(s, n): s.n = n\n def f(s, x): return x + s.n\nthing = C(0).f",
        "class C:\n def __init__(s, n): s.n = n\n def f(s, x): return x + s.n\nthing = C(50).f",
    ),
    "a callable object": (
        "class C:\n def __init__(s, n): s.n = n\n def __call__(s, x): return x + s.n\nthing = C(0)",
        "class C:\n def __init__(s, n): s.n = n\n def __call__(s, x): return x + s.n\nthing = C(50)",
    ),
    "an object with slots": (
        "class C:\n __slots__ = ('n',)\n def __init__(s, n): s.n = n\nthing = C(0)",
        "class C:\n __slots__ = ('n',)\n def __init__(s, n): s.n = n\nthing = C(50)",
    ),
    "a dataclass": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n n: int\nthing = C(0)",
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n n: int\nthing = C(50)",
    ),
    "a default of a dataclass": (
        "import dataclasses\n@dataclasses.dataclass\nclass thing:\n n: int = 0",
        "import dataclasses\n@dataclasses.dataclass\nclass thing:\n n: int = 50",
    ),
    "a property": (
        "class thing:\n @property\n def n(s): return 1",
        "class thing:\n @property\n def n(s): return 2",
    ),
    "a kept property": (
        "import functools\nclass thing:\n @functools.cached_property\n def n(s): return 1",
        "import functools\nclass thing:\n @functools.cached_property\n def n(s): return 2",
    ),
    "a class method": (
        "class thing:\n @classmethod\n def n(c): return 1",
        "class thing:\n @classmethod\n def n(c): return 2",
    ),
    "a static method": (
        "class thing:\n @staticmethod\n def n(): return 1",
        "class thing:\n @staticmethod\n def n(): return 2",
    ),
    "a base class": (
        "class B:\n def f(s): return 1\nclass thing(B): pass",
        "class B:\n def f(s): return 2\nclass thing(B): pass",
    ),
    "a metaclass": (
        "class M(type):\n def f(s): return 1\nclass thing(metaclass=M): pass",
        "class M(type):\n def f(s): return 2\nclass thing(metaclass=M): pass",
    ),
    "a class that a method names": (
        "class A:\n n = 1\nclass thing:\n def f(s): return A()",
        "class A:\n n = 2\nclass thing:\n def f(s): return A()",
    ),
    "an enumeration": (
        "import enum\nclass E(enum.Enum):\n A = 1\ndef thing(x): return E.A.value",
        "import enum\nclass E(enum.Enum):\n A = 2\ndef thing(x): return E.A.value",
    ),
    "a compiled pattern": (
        "import re\np = re.compile('a')\ndef thing(x): return p.sub('', x)",
        "import re\np = re.compile('b')\ndef thing(x): return p.sub('', x)",
    ),
    "the order of a list": ("w = [1, 2]\ndef thing(x): return w", "w = [2, 1]\ndef thing(x): return w"),
    "a member of a set": ("w = {1, 2}\ndef thing(x): return x in w", "w = {1, 3}\ndef thing(x): return x in w"),
    "a random generator": (
        "import numpy\nr = numpy.random.default_rng(0)\ndef thing(x): return r.normal()",
        "import numpy\nr = numpy.random.default_rng(1)\ndef thing(x): return r.normal()",
    ),
    "a generator of torch": (
        "import torch\nr = torch.Generator().manual_seed(0)\ndef thing(x): return torch.rand(1, generator=r)",
        "import torch\nr = torch.Generator().manual_seed(1)\ndef thing(x): return torch.rand(1, generator=r)",
    ),
    "a function of its own gradient": (
        "import torch\nclass thing(torch.autograd.Function):\n @staticmethod\n def backward(c, g): return g",
        "import torch\nclass thing(torch.autograd.Function):\n @staticmethod\n def backward(c, g): return -g",
    ),
    "one, True and 1.0": ("n = 1\ndef thing(x): return n", "n = True\ndef thing(x): return n"),
    "a missing helper that is there now": ("def thing(x): return h(x)", "h = abs\ndef thing(x): return h(x)"),
}


def made(source: str) -> object:
    names: dict[str, object] = {"__name__": "__main__"}
    exec(source, names)
    return names["thing"]
