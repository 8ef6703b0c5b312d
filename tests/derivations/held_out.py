"""A third of the networks: not looked at while rules are written, and measured only on request."""

from .network import Network, absolute_penalty, bce, label_class, other_class, penalty

HELD_OUT: tuple[Network, ...] = (
    Network(
        "Boolean function, 3-3-1",
        "a b c w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 y+",
        """
        h1 = sigmoid(w1*a + w2*b + w3*c)
        h2 = sigmoid(w4*a + w5*b + w6*c)
        h3 = sigmoid(w7*a + w8*b + w9*c)
        o = sigmoid(w10*h1 + w11*h2 + w12*h3)
        L = 0.5*(y - o)^2
        """,
        """
        h1 = S(a*w1 + b*w2 + c*w3)
        h2 = S(a*w4 + b*w5 + c*w6)
        h3 = S(a*w7 + b*w8 + c*w9)
        o = S(h1*w10 + h2*w11 + h3*w12)
        L = (o - y)**2/2
        """,
        "w5: L o h2 w5; w10: L o w10; b: L o h1 b | L o h2 b | L o h3 b",
    ),
    Network(
        "recurrent sigmoid with cross-entropy",
        "x1 x2 u v k y+",
        """
        s1 = sigmoid(u*x1)
        s2 = sigmoid(u*x2 + v*s1)
        o = sigmoid(k*s2)
        L = -(y*log(o) + (1 - y)*log(1 - o))
        """,
        """
        s1 = S(x1*u)
        s2 = S(x2*u + s1*v)
        o = S(s2*k)
        L = -y*log(o) - (1 - y)*log(1 - o)
        """,
        "u: L o s2 u | L o s2 s1 u; v: L o s2 v; k: L o k",
        special={("L", "o"): bce("y", "o")},
    ),
    Network(
        "memory cell",
        "x h c wi wf wo wg ui y",
        """
        i = sigmoid(wi*x + ui*h)
        f = sigmoid(wf*x)
        g = tanh(wg*x)
        o = sigmoid(wo*x)
        d = f*c + i*g
        t = o*tanh(d)
        L = (y - t)^2
        """,
        """
        i = S(x*wi + h*ui)
        f = S(x*wf)
        g = T(x*wg)
        o = S(x*wo)
        d = c*f + g*i
        t = T(d)*o
        L = (t - y)**2
        """,
        "wf: L t d f wf; wo: L t o wo; ui: L t d i ui; x: L t o x | L t d f x | L t d g x | L t d i x",
    ),
    Network(
        "batch norm of two",
        "x1 x2 w g c y1 y2",
        """
        a1 = w*x1
        a2 = w*x2
        m = (a1 + a2)/2
        s = sqrt(((a1 - m)^2 + (a2 - m)^2)/2 + 0.2)
        o1 = g*(a1 - m)/s + c
        o2 = g*(a2 - m)/s + c
        L = ((y1 - o1)^2 + (y2 - o2)^2)/2
        """,
        """
        a1 = x1*w
        a2 = x2*w
        m = a1/2 + a2/2
        s = (((m - a1)**2 + (m - a2)**2)/2 + Rational(1, 5))**Rational(1, 2)
        o1 = c + g/s*(a1 - m)
        o2 = c + g/s*(a2 - m)
        L = (o1 - y1)**2/2 + (o2 - y2)**2/2
        """,
        "g: L o1 g | L o2 g; c: L o1 c | L o2 c; x1: L o1 a1 x1 | L o1 m a1 x1 | L o1 s a1 x1 | L o1 s m a1 x1 "
        "| L o2 m a1 x1 | L o2 s a1 x1 | L o2 s m a1 x1",
        flat=True,
    ),
    Network(
        "Cauchy loss",
        "x w b s+ y",
        """
        o = w*x + b
        r = (y - o)/s
        L = log(1 + r^2)
        """,
        """
        o = b + x*w
        r = y/s - o/s
        L = -log(1/(1 + r**2))
        """,
        "w: L r o w; s: L r s; b: L r o b",
    ),
    Network(
        "logistic growth",
        "k+ a+ r t y",
        """
        d = 1 + a*exp(-r*t)
        o = k/d
        L = 0.5*(o - y)^2
        """,
        """
        d = a/exp(t*r) + 1
        o = k*d**(-1)
        L = (y - o)**2/2
        """,
        "r: L o d r; a: L o d a; k: L o k",
    ),
    Network(
        "elastic net on a sigmoid",
        "x1 x2 w1 w2 b y+ lam+ mu+",
        """
        o = sigmoid(w1*x1 + w2*x2 + b)
        L = (y - o)^2 + lam*(w1^2 + w2^2) + mu*(abs(w1) + abs(w2))
        """,
        """
        o = S(b + x1*w1 + x2*w2)
        L = (o - y)**2 + w1**2*lam + lam*w2**2 + mu*sqrt(w1**2) + mu*sqrt(w2**2)
        """,
        "w1: L w1 | L o w1; w2: L w2 | L o w2; x1: L o x1; lam: L lam",
        special={
            ("L", "w1"): tuple(
                (kind, f"{text} + mu*([w1 > 0] - [w1 < 0])") for kind, text in penalty("lam", "w1", "w2")
            ),
            ("L", "w2"): tuple((kind, f"2*lam*w2 + {text}") for kind, text in absolute_penalty("mu", "w2", "w1")),
        },
    ),
    Network(
        "two layers, softmax, label 1",
        "x w1 w2 b1 b2 v1 v2 v3 v4",
        """
        h1 = sigmoid(w1*x + b1)
        h2 = sigmoid(w2*x + b2)
        z1 = v1*h1 + v2*h2
        z2 = v3*h1 + v4*h2
        L = log(exp(z1) + exp(z2)) - z1
        """,
        """
        h1 = S(b1 + x*w1)
        h2 = S(b2 + x*w2)
        z1 = h1*v1 + h2*v2
        z2 = h1*v3 + h2*v4
        L = log(1 + exp(z2 - z1))
        """,
        "v1: L z1 v1; v4: L z2 v4; w1: L z1 h1 w1 | L z2 h1 w1",
        special={
            ("L", "z1"): label_class("exp(z1)/(exp(z1) + exp(z2))"),
            ("L", "z2"): other_class("exp(z2)/(exp(z1) + exp(z2))"),
        },
    ),
    Network(
        "hinge on a maxout",
        "x1 x2 w1 w2 w3 w4 v y",
        """
        o = max(w1*x1 + w2*x2, w3*x1 + w4*x2)
        s = v*o
        L = relu(1 - y*s)
        """,
        """
        o = Piecewise((w1*x1 + w2*x2, w1*x1 + w2*x2 > w3*x1 + w4*x2), (w3*x1 + w4*x2, True))
        s = o*v
        L = R(1 - s*y)
        """,
        "x1: L s o x1; v: L s v",
        flat=True,
    ),
    Network(
        "power law in logarithms",
        "a+ x+ n y+ w",
        """
        p = a*x^n
        d = log(p) - y
        L = d^2 + w*p^3
        """,
        """
        p = a*exp(n*log(x))
        d = -log(1/p) - y
        L = p**3*w + d**2
        """,
        "n: L d p n | L p n; x: L d p x | L p x; y: L d y",
    ),
    Network(
        "root mean square norm and elu",
        "a b g c y",
        """
        r = sqrt((a^2 + b^2)/2 + 0.1)
        t = a/r
        h = elu(g*t + c, 1)
        o = leaky_relu(h, 0.2)
        L = (y - o)^2
        """,
        """
        r = (a**2/2 + b**2/2 + Rational(1, 10))**Rational(1, 2)
        t = a*r**(-1)
        h = Piecewise((g*t + c, g*t + c > 0), (exp(g*t + c) - 1, True))
        o = Piecewise((h, h > 0), (h/5, True))
        L = (o - y)**2
        """,
        "a: L o h t a | L o h t r a; b: L o h t r b; g: L o h g",
    ),
    Network(
        "root mean square error of three tanh",
        "x1 x2 x3 y1 y2 y3 m c",
        """
        p1 = tanh(m*x1 + c)
        p2 = tanh(m*x2 + c)
        p3 = tanh(m*x3 + c)
        e = ((y1 - p1)^2 + (y2 - p2)^2 + (y3 - p3)^2)/3
        L = sqrt(e)
        """,
        """
        p1 = T(c + x1*m)
        p2 = T(c + x2*m)
        p3 = T(c + x3*m)
        e = (p1 - y1)**2/3 + (p2 - y2)**2/3 + (p3 - y3)**2/3
        L = e**Rational(1, 2)
        """,
        "m: L e p1 m | L e p2 m | L e p3 m; x2: L e p2 x2",
        n=3,
    ),
    Network(
        "scores that attend, with a penalty",
        "q k1 k2 v1 v2 w y lam+",
        """
        a1 = softmax(1, q*k1, q*k2)
        a2 = softmax(2, q*k1, q*k2)
        o = w*(a1*v1 + a2*v2)
        L = 0.5*(y - o)^2 + lam*w^2
        """,
        """
        a1 = S(q*k1 - q*k2)
        a2 = S(q*k2 - q*k1)
        o = w*v1*a1 + w*v2*a2
        L = (o - y)**2/2 + w**2*lam
        """,
        "w: L w | L o w; v2: L o v2; k2: L o a1 k2 | L o a2 k2",
        special={("L", "w"): penalty("lam", "w", "q")},
    ),
)
