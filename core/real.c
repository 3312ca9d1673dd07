#include "real.h"

#include <stdint.h>
#include <string.h>

double tritx_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52 & 2047) - 1023;
    bits = (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    /* ln m = 2 atanh((m - 1) / (m + 1)), |argument| <= 0.172 */
    double t = (m - 1.0) / (m + 1.0), t2 = t * t, sum = 0;
    for (int k = 21; k >= 1; k -= 2) sum = sum * t2 + 1.0 / k;
    return 2.0 * t * sum + (double)exponent * 0.6931471805599453;
}

void tritx_sin_cos(double x, double *sin, double *cos)
{
    int64_t quarter = (int64_t)(x * 0.6366197723675814 + 0.5);
    /* pi / 2 in two parts; the first has 33 bits, so quarter * first is exact */
    double r = (x - (double)quarter * 1.57079632673412561417e+00) -
               (double)quarter * 6.07710050650619224932e-11;
    double r2 = r * r, s = 0, c = 0;
    for (int k = 17; k >= 1; k -= 2) s = 1.0 - s * r2 / ((k + 1) * (k + 2));
    for (int k = 16; k >= 0; k -= 2) c = 1.0 - c * r2 / ((k + 1) * (k + 2));
    s *= r;
    switch (quarter & 3) {
    case 0:
        *sin = s;
        *cos = c;
        break;
    case 1:
        *sin = c;
        *cos = -s;
        break;
    case 2:
        *sin = -s;
        *cos = -c;
        break;
    default:
        *sin = -c;
        *cos = s;
        break;
    }
}
