/* The marker of what JavaScript may call. Every function that carries it stands in exports.txt. */
#ifndef TRIT_EXPORT_H
#define TRIT_EXPORT_H

/* The only caller is JavaScript, so there is no header that could hold a prototype. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define TRIT_EXPORT

#endif
