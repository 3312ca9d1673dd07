/* log, sin and cos of our own, in double: the same bits in every engine, which no libm promises. */
#ifndef TRIT_REAL_H
#define TRIT_REAL_H

/* Natural logarithm of x > 0, relative error below 1e-14. */
double tritx_log(double x);
/* Sine and cosine of 0 <= x < 2^22, absolute error below 1e-12. */
void tritx_sin_cos(double x, double *sin, double *cos);

#endif
