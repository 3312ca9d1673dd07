// Text of every kind for the tests of tokenizers, and the engine's tokenizer as a command.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tool = process.env.TRIT_TOKENIZE ?? join(root, 'build/release/tests/unit_tool_tokenize');

/** Runs the tool on texts, each a string or a Buffer; returns its lines. */
export function runTool(file, nVocab, texts, ...flags) {
    assert.ok(existsSync(tool), `${tool} is not there: build it, or set TRIT_TOKENIZE`);
    const zero = Buffer.from([0]);
    const input = Buffer.concat(texts.flatMap((text) => [Buffer.from(text), zero]));
    const options = { input, encoding: 'utf8', maxBuffer: 1 << 28 };
    const lines = execFileSync(tool, [file, `${nVocab}`, ...flags], options).split('\n');
    lines.pop();
    assert.equal(lines.length, texts.length);
    return lines;
}

/** The ids in a line of the tool. */
export const idsOf = (line) => (line === '' ? [] : line.split(' ').map(Number));

/** mulberry32: the same lines on every machine. */
export function generator(seed) {
    return (limit) => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) % limit;
    };
}

// Blocks that have been full for long: a younger Unicode in one of the two would prove nothing.
export const BLOCKS = [
    [0x20, 0x7e],
    [0xa0, 0x17e],
    [0x180, 0x24f],
    [0x300, 0x36f],
    [0x391, 0x3a1],
    [0x3b1, 0x3c9],
    [0x400, 0x47f],
    [0x5d0, 0x5ea],
    [0x621, 0x64a],
    [0x660, 0x669],
    [0x904, 0x939],
    [0x93e, 0x94d],
    [0xe01, 0xe3a],
    [0x1100, 0x1112],
    [0x2000, 0x200f],
    [0x2028, 0x202f],
    [0x2070, 0x2071],
    [0x2150, 0x2188],
    [0x2190, 0x21ff],
    [0x2460, 0x249b],
    [0x3000, 0x3029],
    [0x3041, 0x3096],
    [0x30a1, 0x30fa],
    [0x4e00, 0x9fa5],
    [0xac00, 0xd7a3],
    [0xfe00, 0xfe0f],
    [0xff10, 0xff5a],
    [0x10400, 0x1044f],
    [0x1d400, 0x1d454],
    [0x1d7ce, 0x1d7ff],
    [0x1f300, 0x1f5ff],
    [0x1f600, 0x1f64f],
    [0x20000, 0x2a6d6],
    [0xe0020, 0xe007f],
];
const SPACES =
    ' | |  |   |\t|\t\t|\n|\n\n|\r\n|\r|\r\n\r\n| \n|\n |\t\n  |\v|\f|\x85|\xa0|\u1680|\u2003|\u2028|\u202f|\u205f|\u3000|\ufeff|\u200b';
const ODD_SPACES = SPACES.split('|');
const SYMBOLS = [
    ...'.,;:!?()[]{}<>/\\|@#$%^&*-_=+~`"\'',
    '...',
    '--',
    '=>',
    '&&',
    "''",
    '/*',
    '://',
];
const CONTRACTIONS = "'s|'S|'t|'T|'re|'RE|'rE|'ve|'Ve|'m|'M|'ll|'LL|'lL|'d|'D|'x|'r|'l|'v".split(
    '|',
);
const WORDS =
    'for|if|return|const|x1|i++|foo_bar|camelCase|HTTPServer|0x1F|1e-5|3.14|1234567|naïve|Ünïcödé|e\u0301|👩‍👩‍👧|🇩🇪|½|Ⅷ|٣٤٥|日本語|한국어|привет|मराठी|ภาษา'.split(
        '|',
    );
/** The tokens of a tokenizer.json that are English or code, with a space or a line's end before. */
export const englishTokens = (json) =>
    Object.keys(json.model.vocab)
        .map((text) => text.replaceAll('Ġ', ' ').replaceAll('Ċ', '\n').replaceAll('▁', ' '))
        .filter((text) => /^[ \n]?[\x21-\x7e]+$/.test(text));

/** Lines of mixed text: prose of these tokens, scripts of the world, code, numbers, odd spaces. */
export function makeLines(n, english, seed = 20260101) {
    const random = generator(seed);
    const pick = (list) => list[random(list.length)];
    const digits = () => `${random(10)}`.repeat(1 + random(3)) + `${random(100000)}`;
    const character = () => {
        const [first, last] = pick(BLOCKS);
        return String.fromCodePoint(first + random(last - first + 1));
    };
    const word = () => Array.from({ length: 1 + random(6) }, character).join('');
    const prose = () => Array.from({ length: 1 + random(8) }, () => pick(english)).join('');
    const parts = [
        prose,
        prose,
        word,
        character,
        digits,
        () => pick(WORDS),
        () => pick(ODD_SPACES),
        () => pick(ODD_SPACES),
        () => pick(SYMBOLS),
        () => pick(CONTRACTIONS),
        () => ' '.repeat(random(5)) + pick(WORDS) + pick(CONTRACTIONS),
        () => 'ab '.trim().repeat(random(60)),
    ];
    return Array.from({ length: n }, () =>
        Array.from({ length: 1 + random(16) }, () => pick(parts)()).join(''),
    );
}
