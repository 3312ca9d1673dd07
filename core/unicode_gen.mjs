// Prints core/unicode.c: the character classes of the pre-tokenizer, from this Node's own \p{}.
//   node core/unicode_gen.mjs > core/unicode.c

const LETTER = 1;
const NUMBER = 2;
const SPACE = 3;
const PER_LINE = 8;

function classOf(character) {
    if (/\p{L}/u.test(character)) return LETTER;
    if (/\p{N}/u.test(character)) return NUMBER;
    return /\p{White_Space}/u.test(character) ? SPACE : 0;
}

// A range needs only its beginning: it lasts until the next one.
const ranges = [];
let last = -1;
for (let point = 0; point <= 0x10ffff; point++) {
    const surrogate = point >= 0xd800 && point <= 0xdfff;
    const value = surrogate ? 0 : classOf(String.fromCodePoint(point));
    if (value !== last) ranges.push(point * 4 + value);
    last = value;
}

const lines = [];
for (let i = 0; i < ranges.length; i += PER_LINE) {
    const line = ranges.slice(i, i + PER_LINE).map((range) => `0x${range.toString(16)}`);
    lines.push(`    ${line.join(', ')},`);
}

console.log(`/* Made by core/unicode_gen.mjs from Unicode ${process.versions.unicode}: do not edit. */
#include "unicode.h"

/* clang-format off */
/* First code point * 4 + class of every range, ascending; a range lasts until the next one. */
static const uint32_t ranges[] = {
${lines.join('\n')}
};
/* clang-format on */

tritx_class tritx_unicode_class(uint32_t point)
{
    size_t low = 0, high = sizeof ranges / sizeof ranges[0];
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle] >> 2 <= point) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (tritx_class)(ranges[low] & 3);
}`);
