/* GELU on lanes: x Phi(x) = x/2 + h(x), where h is even, and |x|/2 far out. */
#ifndef ED_BASE_GELU_H
#define ED_BASE_GELU_H

#include "base/lanes.h"

#if LANES == 16
/* h in 32 pieces, around 0, 1, 2, ... steps of |x|: polynomials of |x|, fitted to the least largest
 * error; the last piece is |x|/2. Two registers hold a coefficient of all pieces, so that the piece
 * of each lane is picked in one instruction.
 *
 * Cubics have an error below 1e-6. Where the result is rounded further on, squares do, with one
 * below 1.5e-5: beside products by AMX, sums of floats go through one unit alone, and an
 * instruction more in each of them is seen. */
#define GELU_PIECES       32
#define GELU_CUBICS_STEP  (1 / 5.9375f)
#define GELU_SQUARES_STEP (1 / 6.75f)
static const float gelu_cubics[4][GELU_PIECES] = {
    {0.0f,          0.000038664683f, 0.0006696377f,   0.0027497022f,
     0.005841418f,  0.0067164768f,   -0.00090129656f, -0.024845395f,
     -0.07168458f,  -0.14368999f,    -0.23691626f,    -0.34127268f,
     -0.44264278f,  -0.5263055f,     -0.5804713f,     -0.5989153f,
     -0.5813451f,   -0.5336417f,     -0.46488124f,    -0.3854778f,
     -0.30498323f,  -0.23069963f,    -0.16712749f,    -0.116119236f,
     -0.07747331f,  -0.049688485f,   -0.030663334f,   -0.01822207f,
     -0.010435271f, -0.0057625566f,  -0.0030702923f,  0.0f},
    {0.0f,         -0.0010652124f, -0.008371161f, -0.023192294f,
     -0.03913624f, -0.04297927f,   -0.018771509f, 0.046400785f,
     0.15731423f,  0.30805272f,    0.48288676f,   0.6601182f,
     0.81743836f,  0.93700695f,    1.0088077f,    1.0317333f,
     1.0117288f,   0.9603395f,     0.89038956f,   0.8139246f,
     0.7403533f,   0.67575246f,    0.62302756f,   0.58259666f,
     0.55326444f,  0.53303456f,    0.5197246f,    0.5113486f,
     0.5062965f,   0.50337106f,    0.5017426f,    0.5f},
    {0.39921397f,    0.40940735f,     0.43811777f,    0.4735559f,
     0.5010529f,     0.5066363f,      0.4809687f,     0.4217841f,
     0.33417434f,    0.2289272f,      0.119583964f,   0.019213824f,
     -0.062195238f,  -0.119171485f,   -0.15090388f,   -0.16040333f,
     -0.15281072f,   -0.13435467f,    -0.11063151f,   -0.08608348f,
     -0.063666515f,  -0.04493795f,    -0.030360464f,  -0.019677296f,
     -0.012255711f,  -0.0073456294f,  -0.0042415666f, -0.0023617563f,
     -0.0012690976f, -0.00065855886f, -0.0003302034f, 0.0f},
    {-0.008713984f,   -0.043745805f, -0.08205666f,   -0.11048874f,  -0.12634556f,   -0.1290324f,
     -0.11995127f,    -0.10201874f,  -0.07893445f,   -0.05442556f,  -0.031620257f,  -0.0126658715f,
     0.0013808382f,   0.010433186f,  0.01510888f,    0.016421037f,  0.01546038f,    0.013250609f,
     0.010568388f,    0.0079411315f, 0.0056640897f,  0.0038540321f, 0.0025104426f,  0.0015694184f,
     0.0009434395f,   0.0005461642f, 0.00030484574f, 0.0001642104f, 0.00008543329f, 0.000042958087f,
     0.000020887926f, 0.0f},
};

static const float gelu_squares[3][GELU_PIECES] = {
    {0.0f,          -0.000080495476f, -0.001413611f, -0.006918967f,
     -0.020399058f, -0.045273792f,    -0.08336552f,  -0.13407776f,
     -0.19418763f,  -0.2582926f,      -0.31977305f,  -0.37200844f,
     -0.40954348f,  -0.4289465f,      -0.4292006f,   -0.41162324f,
     -0.37937963f,  -0.33676136f,     -0.28841877f,  -0.2386878f,
     -0.19111474f,  -0.14821303f,     -0.11143253f,  -0.081287175f,
     -0.05757351f,  -0.039617095f,    -0.026499573f, -0.017238583f,
     -0.010910833f, -0.0067216423f,   -0.004031851f, 0.0f},
    {0.0f,        0.001681763f, 0.0132172005f, 0.04256171f, 0.094275795f, 0.16873565f, 0.26218382f,
     0.36756027f, 0.4758871f,   0.5778804f,    0.66544956f, 0.7328098f,   0.7770524f,  0.79815483f,
     0.7985187f,  0.782226f,    0.7541827f,    0.7193271f,  0.6820296f,   0.64572334f, 0.6127664f,
     0.58449095f, 0.5613745f,   0.5432686f,    0.5296308f,  0.5197248f,   0.5127717f,  0.5080479f,
     0.50493747f, 0.5029505f,   0.50171787f,   0.5f},
    {0.3987089f,     0.389825f,       0.36467955f,     0.3254535f,
     0.27577293f,    0.21999425f,     0.16264227f,     0.107874185f,
     0.05905104f,    0.018470736f,    -0.012718412f,   -0.034438435f,
     -0.04747752f,   -0.05321571f,    -0.053334165f,   -0.049558382f,
     -0.04346032f,   -0.03633306f,    -0.029138608f,   -0.022511834f,
     -0.016803667f,  -0.012144518f,   -0.00851221f,    -0.0057934085f,
     -0.003832535f,  -0.0024662951f,  -0.0015448804f,  -0.0009424782f,
     -0.0005602376f, -0.00032461298f, -0.00018339866f, 0.0f},
};

PART lanes gelu_term(const float *of, lanes_int piece)
{
    return lanes_picked(*(const lanes_at *)of, *(const lanes_at *)(of + LANES), piece);
}

/* The piece of each lane, in the low bits: adding 2^23 leaves the nearest whole number there. */
PART lanes_int gelu_pieces(lanes size, float step)
{
    const lanes last = LANES_OF((GELU_PIECES - 1) * step);
    return (lanes_int)(smaller(size, last) * (1 / step) + 8388608.0f);
}

PART lanes gelu(lanes x, int rounded)
{
    const lanes size = (lanes)((lanes_int)x & INT32_MAX);
    lanes_int piece;
    lanes h;
    if (rounded) {
        piece = gelu_pieces(size, GELU_SQUARES_STEP);
        h = gelu_term(gelu_squares[2], piece) * size + gelu_term(gelu_squares[1], piece);
        return x * 0.5f + (h * size + gelu_term(gelu_squares[0], piece));
    }
    piece = gelu_pieces(size, GELU_CUBICS_STEP);
    h = gelu_term(gelu_cubics[3], piece) * size + gelu_term(gelu_cubics[2], piece);
    h = h * size + gelu_term(gelu_cubics[1], piece);
    return x * 0.5f + (h * size + gelu_term(gelu_cubics[0], piece));
}
#else
/* h as x^2 times a polynomial of it up to the edge, fitted to the least largest error in
 * 2 (x/edge)^2 - 1, and |x|/2 beyond. */
PART lanes gelu_by(lanes x, const float *p, size_t n, float edge)
{
    const lanes_int sign = (lanes_int){0} + INT32_MIN;
    lanes square = x * x, size = (lanes)((lanes_int)x & ~sign);
    lanes t = square * (2.0f / (edge * edge)) - 1.0f;
    lanes sum = t * p[0] + p[1];
    for (size_t i = 2; i < n; i++)
        sum = sum * t + p[i];
    lanes even = (lanes)choose(size < edge, (lanes_int)(square * sum), (lanes_int)(size * 0.5f));
    return x * 0.5f + even;
}

/* Error below 1e-6; where the result is rounded further on, below 3e-5. */
PART lanes gelu(lanes x, int rounded)
{
    static const float exact[] = {
        -0.0005216405843384564f, 0.0015569387469440699f, -0.00178042845800519f,
        0.0022114510647952557f,  -0.005116194486618042f, 0.009327925741672516f,
        -0.013557594269514084f,  0.01879153400659561f,   -0.025207968428730965f,
        0.03209594637155533f,    -0.03959814831614494f,  0.04926345869898796f,
        -0.06651824712753296f,   0.1333925724029541f};
    static const float rough[] = {
        0.0027541734743863344f, -0.007884182035923004f, 0.01098783127963543f,
        -0.015976987779140472f, 0.026802193373441696f,  -0.040089234709739685f,
        0.05525052174925804f,   -0.0786123126745224f,   0.16040441393852234f};
    return rounded ? gelu_by(x, rough, sizeof rough / sizeof *rough, 4.4f)
                   : gelu_by(x, exact, sizeof exact / sizeof *exact, 5.3f);
}
#endif

/* x (1 + tanh u) / 2 = x / (1 + exp(-2 u)), from the side where exp does not grow. */
PART lanes gelu_tanh(lanes x)
{
    lanes u = x * 1.59576912f + x * x * x * (1.59576912f * 0.044715f);
    lanes e = exp2_of((lanes)((lanes_int)u | INT32_MIN) * 1.44269504f, 0); /* exp of -|u| */
    return x * (lanes)choose(u < 0.0f, (lanes_int)e, (lanes_int)LANES_OF(1.0f)) / (e + 1.0f);
}

#endif
