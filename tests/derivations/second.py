"""A second set of networks, written when the rules for the first were done: eight that may be seen, four held out."""

from .network import SHARES, Network, bce, half_penalty, label_class, other_class

SECOND: tuple[Network, ...] = (
    Network(
        "highway, then a residual block",
        "x wt bt wh bh w2 b2 y",
        """
        t = sigmoid(wt*x + bt)
        h = tanh(wh*x + bh)
        r = t*h + (1 - t)*x
        o = r + softplus(w2*r + b2)
        L = 0.5*(y - o)^2
        """,
        """
        t = S(bt + x*wt)
        h = T(bh + x*wh)
        r = x + t*(h - x)
        o = log(1 + exp(b2 + r*w2)) + r
        L = (o - y)**2/2
        """,
        "wt: L o r t wt; wh: L o r h wh; x: L o r x | L o r t x | L o r h x; w2: L o w2",
    ),
    Network(
        "root mean square norm before a residual",
        "x1 x2 g w v y",
        """
        r = sqrt((x1^2 + x2^2)/2 + 0.1)
        a = g*x1/r
        o = x1 + v*tanh(w*a)
        L = (y - o)^2
        """,
        """
        r = (x1**2/2 + x2**2/2 + Rational(1, 10))**Rational(1, 2)
        a = x1*r**(-1)*g
        o = T(a*w)*v + x1
        L = (o - y)**2
        """,
        "g: L o a g; w: L o w; x1: L o x1 | L o a x1 | L o a r x1; x2: L o a r x2",
        n=2,
    ),
    Network(
        "Gaussian likelihood with a spread of its own",
        "x w b k c y",
        """
        m = w*x + b
        s = exp(k*x + c)
        u = (y - m)/s
        L = 0.5*u^2 + log(s)
        """,
        """
        m = b + x*w
        s = exp(c)*exp(x*k)
        u = y/s - m/s
        L = log(s) + u**2/2
        """,
        "w: L u m w; k: L s k | L u s k; x: L s x | L u m x | L u s x; y: L u y",
    ),
    Network(
        "a quotient within a quotient",
        "v+ s+ k+ i+ j+ y",
        """
        q = k*(1 + i/j)
        r = v*s/(q + s)
        L = (y - r)^2
        """,
        """
        q = k + k*i/j
        r = v/(1 + q/s)
        L = r**2 - 2*r*y + y**2
        """,
        "s: L r s; i: L r q i; j: L r q j; k: L r q k; v: L r v",
    ),
    Network(
        "cross-entropy with weight decay",
        "x1 x2 w1 w2 v b y+ lam+",
        """
        h = tanh(w1*x1 + w2*x2)
        o = sigmoid(v*h + b)
        L = -(y*log(o) + (1 - y)*log(1 - o)) + 0.5*lam*(w1^2 + w2^2 + v^2)
        """,
        """
        h = T(x1*w1 + x2*w2)
        o = S(b + h*v)
        L = (y - 1)*log(1 - o) - y*log(o) + lam*v**2/2 + lam*w1**2/2 + lam*w2**2/2
        """,
        "w1: L w1 | L o h w1; v: L v | L o v; lam: L lam; x2: L o h x2",
        special={
            ("L", "o"): bce("y", "o"),
            ("L", "w1"): half_penalty("lam", "w1", "w2"),
            ("L", "v"): half_penalty("lam", "v", "w1"),
        },
    ),
    Network(
        "relu, then a softmax in one line, label 3",
        "x w b v1 v2 v3",
        """
        h = relu(w*x + b)
        z1 = v1*h
        z2 = v2*h
        z3 = v3*h
        L = log(exp(z1) + exp(z2) + exp(z3)) - z3
        """,
        """
        h = R(b + x*w)
        z1 = h*v1
        z2 = h*v2
        z3 = h*v3
        L = log(1 + exp(z1 - z3) + exp(z2 - z3))
        """,
        "v3: L z3 v3; v1: L z1 v1; w: L z1 h w | L z2 h w | L z3 h w",
        special={
            ("L", "z1"): other_class(SHARES[0]),
            ("L", "z2"): other_class(SHARES[1]),
            ("L", "z3"): label_class(SHARES[2]),
        },
    ),
    Network(
        "softmax and a squared error",
        "x w1 w2 w3 b1 b2 b3 y1+ y2+ y3+",
        """
        z1 = w1*x + b1
        z2 = w2*x + b2
        z3 = w3*x + b3
        p1 = softmax(1, z1, z2, z3)
        p2 = softmax(2, z1, z2, z3)
        p3 = softmax(3, z1, z2, z3)
        L = (y1 - p1)^2 + (y2 - p2)^2 + (y3 - p3)^2
        """,
        """
        z1 = b1 + x*w1
        z2 = b2 + x*w2
        z3 = b3 + x*w3
        p1 = 1/(1 + exp(z2 - z1) + exp(z3 - z1))
        p2 = 1/(1 + exp(z1 - z2) + exp(z3 - z2))
        p3 = 1/(1 + exp(z1 - z3) + exp(z2 - z3))
        L = (p1 - y1)**2 + (p2 - y2)**2 + (p3 - y3)**2
        """,
        "w1: L p1 z1 w1 | L p2 z1 w1 | L p3 z1 w1; b3: L p1 z3 b3 | L p2 z3 b3 | L p3 z3 b3; y2: L y2",
    ),
    Network(
        "maxout of three pieces",
        "x w1 w2 w3 b1 b2 b3 v y",
        """
        a1 = w1*x + b1
        a2 = w2*x + b2
        a3 = w3*x + b3
        m = max(a1, a2)
        o = max(m, a3)
        L = 0.5*(y - v*o)^2
        """,
        """
        a1 = b1 + x*w1
        a2 = b2 + x*w2
        a3 = b3 + x*w3
        m = Piecewise((a2, a2 > a1), (a1, True))
        o = Piecewise((a3, a3 > m), (m, True))
        L = (o*v - y)**2/2
        """,
        "w1: L o m a1 w1; w3: L o a3 w3; x: L o m a1 x | L o m a2 x | L o a3 x; v: L v",
        flat=True,
    ),
)

SECOND_HELD_OUT: tuple[Network, ...] = (
    Network(
        "gated recurrent unit with its reset",
        "x h wz uz wr ur wc uc y",
        """
        z = sigmoid(wz*x + uz*h)
        r = sigmoid(wr*x + ur*h)
        c = tanh(wc*x + uc*(r*h))
        s = (1 - z)*h + z*c
        L = (y - s)^2
        """,
        """
        z = S(x*wz + h*uz)
        r = S(x*wr + h*ur)
        c = T(x*wc + h*r*uc)
        s = h + z*(c - h)
        L = (s - y)**2
        """,
        "wr: L s c r wr; uz: L s z uz; uc: L s c uc; h: L s h | L s z h | L s c h | L s c r h",
    ),
    Network(
        "mixture of Gaussians with a softmax of weights",
        "g1 g2 x m1 m2 s1+ s2+",
        """
        p1 = softmax(1, g1, g2)
        p2 = softmax(2, g1, g2)
        f1 = exp(-(x - m1)^2/(2*s1^2))/s1
        f2 = exp(-(x - m2)^2/(2*s2^2))/s2
        f = p1*f1 + p2*f2
        L = -log(f)
        """,
        """
        p1 = S(g1 - g2)
        p2 = S(g2 - g1)
        f1 = 1/(s1*exp((m1 - x)**2/s1**2/2))
        f2 = 1/(s2*exp((m2 - x)**2/s2**2/2))
        f = f1*p1 + f2*p2
        L = log(1/f)
        """,
        "m1: L f f1 m1; s2: L f f2 s2; g1: L f p1 g1 | L f p2 g1; x: L f f1 x | L f f2 x",
    ),
    Network(
        "softmax with a temperature",
        "x w1 w2 w3 t+ y1+ y2+ y3+",
        """
        u1 = w1*x/t
        u2 = w2*x/t
        u3 = w3*x/t
        p1 = softmax(1, u1, u2, u3)
        p2 = softmax(2, u1, u2, u3)
        p3 = softmax(3, u1, u2, u3)
        L = -(y1*log(p1) + y2*log(p2) + y3*log(p3))
        """,
        """
        u1 = x*w1*t**(-1)
        u2 = x*w2*t**(-1)
        u3 = x*w3*t**(-1)
        p1 = 1/(1 + exp(u2 - u1) + exp(u3 - u1))
        p2 = 1/(1 + exp(u1 - u2) + exp(u3 - u2))
        p3 = 1/(1 + exp(u1 - u3) + exp(u2 - u3))
        L = -y1*log(p1) - y2*log(p2) - y3*log(p3)
        """,
        "w1: L p1 u1 w1 | L p2 u1 w1 | L p3 u1 w1; t: L p1 u1 t | L p1 u2 t | L p1 u3 t | L p2 u1 t | L p2 u2 t "
        "| L p2 u3 t | L p3 u1 t | L p3 u2 t | L p3 u3 t; y1: L y1",
    ),
    Network(
        "a generalised mean",
        "a+ b+ k+ y",
        """
        s = a^k + b^k
        q = s^(1/k)
        L = (y - q)^2
        """,
        """
        s = exp(k*log(a)) + exp(k*log(b))
        q = exp(log(s)/k)
        L = (q - y)**2
        """,
        "a: L q s a; k: L q k | L q s k; b: L q s b",
    ),
)
