"""The networks that may be looked at while the rules of the hand check are written."""

from .network import SHARES, Network, absolute_penalty, bce, cce, label_class, other_class, penalty
from .second import SECOND

SEEN: tuple[Network, ...] = (
    Network(
        "two inputs, sigmoid, mse",
        "x1 x2 w1 w2 w3 w4 w5 w6 b1 b2 b3 y+",
        """
        h1 = sigmoid(w1*x1 + w2*x2 + b1)
        h2 = sigmoid(w3*x1 + w4*x2 + b2)
        o1 = sigmoid(w5*h1 + w6*h2 + b3)
        L = (y - o1)^2
        """,
        """
        h1 = S(x1*w1 + x2*w2 + b1)
        h2 = S(x1*w3 + x2*w4 + b2)
        o1 = S(h1*w5 + h2*w6 + b3)
        L = o1**2 - 2*o1*y + y**2
        """,
        "w1: L o1 h1 w1; w5: L o1 w5; b2: L o1 h2 b2; x1: L o1 h1 x1 | L o1 h2 x1",
    ),
    Network(
        "tanh, relu and sigmoid",
        "x1 x2 w1 w2 w3 w4 w5 w6 b1 b2 b3 y+",
        """
        h1 = tanh(w1*x1 + w2*x2 + b1)
        h2 = relu(w3*x1 + w4*x2 + b2)
        o = sigmoid(w5*h1 + w6*h2 + b3)
        L = 0.5*(y - o)^2
        """,
        """
        h1 = T(x1*w1 + x2*w2 + b1)
        h2 = R(x1*w3 + x2*w4 + b2)
        o = S(h1*w5 + h2*w6 + b3)
        L = (o - y)**2/2
        """,
        "w2: L o h1 w2; w3: L o h2 w3; w6: L o w6; x2: L o h1 x2 | L o h2 x2",
    ),
    Network(
        "recurrent, three steps of tanh",
        "x1 x2 x3 u v c y",
        """
        s1 = tanh(u*x1 + c)
        s2 = tanh(u*x2 + v*s1 + c)
        s3 = tanh(u*x3 + v*s2 + c)
        L = (y - s3)^2
        """,
        """
        s1 = T(c + x1*u)
        s2 = T(c + x2*u + s1*v)
        s3 = T(c + x3*u + s2*v)
        L = (s3 - y)**2
        """,
        "v: L s3 v | L s3 s2 v; u: L s3 u | L s3 s2 u | L s3 s2 s1 u; x1: L s3 s2 s1 x1",
    ),
    Network(
        "gated unit",
        "x h wz uz wc uc y",
        """
        g = sigmoid(wz*x + uz*h)
        c = tanh(wc*x + uc*h)
        s = g*c + (1 - g)*h
        L = 0.5*(y - s)^2
        """,
        """
        g = S(x*wz + h*uz)
        c = T(x*wc + h*uc)
        s = h + g*(c - h)
        L = (y**2 - 2*y*s + s**2)/2
        """,
        "wz: L s g wz; uc: L s c uc; h: L s h | L s g h | L s c h",
    ),
    Network(
        "residual blocks",
        "x w1 w2 b1 b2 v y",
        """
        r1 = x + tanh(w1*x + b1)
        r2 = r1 + sigmoid(w2*r1 + b2)
        o = v*r2
        L = (o - y)^2
        """,
        """
        r1 = T(b1 + w1*x) + x
        r2 = S(b2 + w2*r1) + r1
        o = r2*v
        L = (y - o)**2
        """,
        "w1: L o r2 r1 w1; w2: L o r2 w2; x: L o r2 r1 x",
    ),
    Network(
        "layer norm of three",
        "a1 a2 a3 g c y",
        """
        m = (a1 + a2 + a3)/3
        q = ((a1 - m)^2 + (a2 - m)^2 + (a3 - m)^2)/3
        r = sqrt(q + 0.1)
        t = (a1 - m)/r
        o = g*t + c
        L = (y - o)^2
        """,
        """
        m = a1/3 + a2/3 + a3/3
        q = (a1**2 + a2**2 + a3**2 - 2*m*(a1 + a2 + a3) + 3*m**2)/3
        r = (q + Rational(1, 10))**Rational(1, 2)
        t = a1/r - m/r
        o = c + t*g
        L = o**2 - 2*y*o + y**2
        """,
        "g: L o g; a2: L o t m a2 | L o t r q a2 | L o t r q m a2; "
        "a1: L o t a1 | L o t m a1 | L o t r q a1 | L o t r q m a1",
        n=3,
        flat=True,
    ),
    Network(
        "Gaussian bump",
        "x m s+ w b y",
        """
        p = exp(-(x - m)^2/(2*s^2))
        o = w*p + b
        L = (y - o)^2
        """,
        """
        p = 1/exp((m - x)**2/s**2/2)
        o = b + p*w
        L = (o - y)**2
        """,
        "m: L o p m; s: L o p s; w: L o w; x: L o p x",
    ),
    Network(
        "quotient of two lines",
        "a b+ c+ d+ x+ y",
        """
        q = (a*x + b)/(c*x + d)
        L = 0.5*(y - q)^2
        """,
        """
        q = (b + a*x)*(d + c*x)**(-1)
        L = (y**2 + q**2)/2 - q*y
        """,
        "x: L q x; c: L q c; a: L q a; d: L q d",
    ),
    Network(
        "mixture of two Gaussians",
        "p+ x m1 m2",
        """
        f1 = exp(-0.5*(x - m1)^2)
        f2 = exp(-0.5*(x - m2)^2)
        f = p*f1 + (2 - p)*f2
        L = -log(f)
        """,
        """
        f1 = exp(-(m1 - x)**2/2)
        f2 = exp(-(m2 - x)**2/2)
        f = p*(f1 - f2) + 2*f2
        L = log(1/f)
        """,
        "m1: L f f1 m1; p: L f p; x: L f f1 x | L f f2 x",
    ),
    Network(
        "line with an L2 penalty",
        "x1 x2 w1 w2 b y lam+",
        """
        o = w1*x1 + w2*x2 + b
        L = (y - o)^2 + lam*(w1^2 + w2^2)
        """,
        """
        o = b + x1*w1 + x2*w2
        L = (o - y)**2 + w1**2*lam + w2**2*lam
        """,
        "w1: L w1 | L o w1; w2: L w2 | L o w2; b: L o b; lam: L lam",
        special={("L", "w1"): penalty("lam", "w1", "w2"), ("L", "w2"): penalty("lam", "w2", "w1")},
    ),
    Network(
        "tanh with an L1 penalty",
        "x1 x2 w1 w2 v y lam+",
        """
        h = tanh(w1*x1 + w2*x2)
        o = v*h
        L = 0.5*(y - o)^2 + lam*(abs(w1) + abs(w2) + abs(v))
        """,
        """
        h = T(x1*w1 + x2*w2)
        o = h*v
        L = (o - y)**2/2 + lam*sqrt(w1**2) + lam*sqrt(w2**2) + lam*sqrt(v**2)
        """,
        "w1: L w1 | L o h w1; v: L v | L o v; x2: L o h x2",
        special={
            ("L", "w1"): absolute_penalty("lam", "w1", "w2"),
            ("L", "v"): absolute_penalty("lam", "v", "w1"),
        },
    ),
    Network(
        "binary cross-entropy, written out",
        "x1 x2 w1 w2 w3 b1 b2 y+",
        """
        h = tanh(w1*x1 + w2*x2 + b1)
        o = sigmoid(w3*h + b2)
        L = -(y*log(o) + (1 - y)*log(1 - o))
        """,
        """
        h = T(b1 + x1*w1 + x2*w2)
        o = S(b2 + h*w3)
        L = -y*log(o) - log(1 - o) + y*log(1 - o)
        """,
        "w3: L o w3; w1: L o h w1; b2: L o b2; y: L y",
        special={("L", "o"): bce("y", "o")},
    ),
    Network(
        "binary cross-entropy of the package",
        "x1 x2 w1 w2 w3 w4 w5 w6 b1 b2 b3 y+",
        """
        h1 = sigmoid(w1*x1 + w2*x2 + b1)
        h2 = sigmoid(w3*x1 + w4*x2 + b2)
        o1 = sigmoid(w5*h1 + w6*h2 + b3)
        L = -(y*log(o1) + (1 - y)*log(1 - o1))
        """,
        """
        h1 = S(x1*w1 + x2*w2 + b1)
        h2 = S(x1*w3 + x2*w4 + b2)
        o1 = S(h1*w5 + h2*w6 + b3)
        L = -y*log(o1) + (y - 1)*log(1 - o1)
        """,
        "w5: L o1 w5; w4: L o1 h2 w4; x2: L o1 h1 x2 | L o1 h2 x2",
        special={("L", "o1"): bce("y", "o1")},
    ),
    Network(
        "softmax and categorical cross-entropy",
        "x w1 w2 w3 b1 b2 b3 y1+ y2+ y3+",
        """
        z1 = w1*x + b1
        z2 = w2*x + b2
        z3 = w3*x + b3
        p1 = softmax(1, z1, z2, z3)
        p2 = softmax(2, z1, z2, z3)
        p3 = softmax(3, z1, z2, z3)
        L = -(y1*log(p1) + y2*log(p2) + y3*log(p3))
        """,
        """
        z1 = b1 + x*w1
        z2 = b2 + x*w2
        z3 = b3 + x*w3
        p1 = 1/(1 + exp(z2 - z1) + exp(z3 - z1))
        p2 = 1/(1 + exp(z1 - z2) + exp(z3 - z2))
        p3 = 1/(1 + exp(z1 - z3) + exp(z2 - z3))
        L = -y1*log(p1) - y2*log(p2) - y3*log(p3)
        """,
        "w1: L p1 z1 w1 | L p2 z1 w1 | L p3 z1 w1; b2: L p1 z2 b2 | L p2 z2 b2 | L p3 z2 b2; y3: L y3",
        special={("L", f"p{k}"): cce(f"y{k}", f"p{k}") for k in (1, 2, 3)},
    ),
    Network(
        "softmax cross-entropy of the package, label 2",
        "x1 x2 w1 w2 v1 v2 v3 b1 b2 b3",
        """
        h = tanh(w1*x1 + w2*x2)
        z1 = v1*h + b1
        z2 = v2*h + b2
        z3 = v3*h + b3
        L = log(exp(z1) + exp(z2) + exp(z3)) - z2
        """,
        """
        h = T(x1*w1 + x2*w2)
        z1 = b1 + h*v1
        z2 = b2 + h*v2
        z3 = b3 + h*v3
        L = log(1 + exp(z1 - z2) + exp(z3 - z2))
        """,
        "v2: L z2 v2; v1: L z1 v1; b3: L z3 b3; w1: L z1 h w1 | L z2 h w1 | L z3 h w1",
        special={
            ("L", "z1"): other_class(SHARES[0]),
            ("L", "z2"): label_class(SHARES[1]),
            ("L", "z3"): other_class(SHARES[2]),
        },
    ),
    Network(
        "maxout",
        "x w1 w2 b1 b2 v y",
        """
        a1 = w1*x + b1
        a2 = w2*x + b2
        o = max(a1, a2)
        p = v*o
        L = (y - p)^2
        """,
        """
        a1 = b1 + x*w1
        a2 = b2 + x*w2
        o = Piecewise((a1, a1 > a2), (a2, True))
        p = o*v
        L = (p - y)**2
        """,
        "w1: L p o a1 w1; b2: L p o a2 b2; x: L p o a1 x | L p o a2 x; v: L p v",
        flat=True,
    ),
    Network(
        "x to the power of y",
        "x+ y+ k+ t",
        """
        p = x^y
        q = 2^(k*p)
        L = (t - q)^2
        """,
        """
        p = exp(y*log(x))
        q = exp(k*p*log(2))
        L = (q - t)**2
        """,
        "x: L q p x; y: L q p y; k: L q k",
    ),
    Network(
        "leaky relu, two layers",
        "x w1 b1 w2 b2 y",
        """
        h = leaky_relu(w1*x + b1, 0.1)
        o = leaky_relu(w2*h + b2, 0.1)
        L = 0.5*(o - y)^2
        """,
        """
        h = Piecewise((w1*x + b1, w1*x + b1 > 0), ((w1*x + b1)/10, True))
        o = Piecewise((w2*h + b2, w2*h + b2 > 0), ((w2*h + b2)/10, True))
        L = (y - o)**2/2
        """,
        "w1: L o h w1; w2: L o w2; x: L o h x",
    ),
    Network(
        "elu",
        "x1 x2 w1 w2 b v y",
        """
        h = elu(w1*x1 + w2*x2 + b, 1)
        o = v*h
        L = (y - o)^2
        """,
        """
        h = Piecewise((w1*x1 + w2*x2 + b, w1*x1 + w2*x2 + b > 0), (exp(w1*x1 + w2*x2 + b) - 1, True))
        o = h*v
        L = (o - y)**2
        """,
        "w1: L o h w1; b: L o h b; v: L o v",
    ),
    Network(
        "distance with a root",
        "x1 x2 c1 c2 r+",
        """
        d = sqrt((x1 - c1)^2 + (x2 - c2)^2)
        L = (r - d)^2
        """,
        """
        d = ((c1 - x1)**2 + (c2 - x2)**2)**Rational(1, 2)
        L = (d - r)**2
        """,
        "x1: L d x1; c2: L d c2; r: L r",
    ),
    Network(
        "Poisson, exp and ln",
        "x w b k+ a+",
        """
        r = exp(w*x + b)
        l = log(r + a)
        L = r - k*l
        """,
        """
        r = exp(b)*exp(x*w)
        l = log(a + r)
        L = -k*l + r
        """,
        "w: L r w | L l r w; a: L l a; k: L k",
    ),
    Network(
        "least squares, three samples",
        "x1 x2 x3 y1 y2 y3 m c",
        """
        p1 = m*x1 + c
        p2 = m*x2 + c
        p3 = m*x3 + c
        L = ((y1 - p1)^2 + (y2 - p2)^2 + (y3 - p3)^2)/3
        """,
        """
        p1 = c + x1*m
        p2 = c + x2*m
        p3 = c + x3*m
        L = (y1 - p1)**2/3 + (y2 - p2)**2/3 + (y3 - p3)**2/3
        """,
        "m: L p1 m | L p2 m | L p3 m; c: L p1 c | L p2 c | L p3 c; x2: L p2 x2",
        n=3,
    ),
    Network(
        "attention over two",
        "q k1 k2 v1 v2 y",
        """
        s1 = q*k1
        s2 = q*k2
        a1 = softmax(1, s1, s2)
        a2 = softmax(2, s1, s2)
        o = a1*v1 + a2*v2
        L = (y - o)^2
        """,
        """
        s1 = k1*q
        s2 = k2*q
        a1 = S(s1 - s2)
        a2 = S(s2 - s1)
        o = v1*a1 + v2*a2
        L = (o - y)**2
        """,
        "v1: L o v1; k1: L o a1 s1 k1 | L o a2 s1 k1",
    ),
    Network(
        "a cube and a square",
        "x w b v y",
        """
        u = w*x + b
        h = u^3
        o = v*h + u
        L = 0.5*(y - o)^2
        """,
        """
        u = b + x*w
        h = u*u*u
        o = u + h*v
        L = (o - y)**2/2
        """,
        "w: L o u w | L o h u w; v: L o v",
    ),
    Network(
        "a wave",
        "a f t p y",
        """
        z = f*t + p
        o = a*sin(z) + cos(z)
        L = (y - o)^2
        """,
        """
        z = p + t*f
        o = a*sin(z) + cos(z)
        L = (o - y)**2
        """,
        "f: L o z f; a: L o a; p: L o z p",
    ),
    Network(
        "softplus and a logic gate",
        "a b w1 w2 c v y+",
        """
        h = softplus(w1*a + w2*b + c)
        o = sigmoid(v*h)
        L = (y - o)^2
        """,
        """
        h = log(1 + exp(w1*a + w2*b + c))
        o = S(h*v)
        L = (o - y)**2
        """,
        "w1: L o h w1; v: L o v; c: L o h c",
    ),
    *SECOND,
)
