// The tokenizer against an independent implementation, @huggingface/tokenizers: the same ids for
// mixed text of every kind. The tool itself checks that the ids give every byte back.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { Tokenizer } from '@huggingface/tokenizers';

const root = fileURLToPath(new URL('../../', import.meta.url));
const file = join(root, 'tests/golden/data/tokenizer.json');
const tool = process.env.TRIT_TOKENIZE ?? join(root, 'build/release/tests/unit_tool_tokenize');
const json = JSON.parse(readFileSync(file, 'utf8'));
// Of the tokenizer's settings only these matter: no clean-up, and BOS comes from the template.
const expected = new Tokenizer(json, { clean_up_tokenization_spaces: false });
const N_VOCAB = 4096;
const EOT = 4095;

/** Runs the tool on texts, each a string or a Buffer; returns its lines. */
function run(texts, ...flags) {
    assert.ok(existsSync(tool), `${tool} is not there: build it, or set TRIT_TOKENIZE`);
    const zero = Buffer.from([0]);
    const input = Buffer.concat(texts.flatMap((text) => [Buffer.from(text), zero]));
    const options = { input, encoding: 'utf8', maxBuffer: 1 << 28 };
    const lines = execFileSync(tool, [file, `${N_VOCAB}`, ...flags], options).split('\n');
    lines.pop();
    assert.equal(lines.length, texts.length);
    return lines;
}

const idsOf = (line) => (line === '' ? [] : line.split(' ').map(Number));
const encode = (texts, ...flags) => run(texts, ...flags).map(idsOf);

/** mulberry32: the same lines on every machine. */
function generator(seed) {
    return (limit) => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) % limit;
    };
}

// Blocks that have been full for long: a younger Unicode in one of the two would prove nothing.
const BLOCKS = [
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
const english = Object.entries(json.model.vocab)
    .map(([text]) => text.replaceAll('Ġ', ' ').replaceAll('Ċ', '\n'))
    .filter((text) => /^[ \n]?[\x21-\x7e]+$/.test(text));

function makeLines(n) {
    const random = generator(20260101);
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

/** The independent ids; the words are cut alike by both, or the message shows where not. */
function compare(texts, flags, what) {
    const got = encode(texts, ...flags);
    texts.forEach((text, i) => {
        const want = expected.encode(text, { add_special_tokens: false }).ids;
        assert.deepEqual(got[i], want, `${what} ${i}: ${JSON.stringify(text)}`);
    });
    return got.reduce((sum, ids) => sum + ids.length, 0);
}

test('12,000 lines of mixed text have the ids of @huggingface/tokenizers', (t) => {
    const lines = makeLines(12000);
    const n = compare(lines, [], 'line');
    const bytes = Buffer.byteLength(lines.join(''));
    t.diagnostic(`${lines.length} lines, ${bytes} bytes, ${n} ids`);
    assert.ok(n > 100000, 'the generator makes too little');
});

test('every short string over the characters that decide is cut alike', () => {
    const alphabet = [' ', '\n', '\r', '\t', '\xa0', 'a', '1', '.', "'", 's', 'é', '\u0301'];
    let texts = [''];
    const all = [];
    for (let length = 1; length <= 4; length++) {
        texts = texts.flatMap((text) => alphabet.map((character) => text + character));
        all.push(...texts);
    }
    compare(all, [], 'string');
});

test('each character of the table has the class that Node knows', () => {
    // A letter before it and a letter after it: where the cuts fall tells the class.
    const texts = BLOCKS.flatMap(([first, last]) =>
        Array.from({ length: Math.min(last - first + 1, 2000) }, (_, i) => {
            const character = String.fromCodePoint(first + i);
            return `1${character}${character}1 ${character}a`;
        }),
    );
    compare(texts, [], 'character');
});

test('special tokens in text are found with the flag', () => {
    const specials = json.added_tokens.map(({ content }) => content);
    const random = generator(7);
    const texts = makeLines(500).map((line) => {
        const at = random(line.length + 1);
        const special = specials[random(specials.length)];
        return line.slice(0, at) + special + line.slice(at) + special.slice(0, random(5));
    });
    // A cut may fall between the halves of a surrogate pair, which no UTF-8 has.
    compare(
        texts.filter((text) => text.isWellFormed()),
        ['--special'],
        'text',
    );
});

test('special tokens in text stay text without the flag', () => {
    const texts = json.added_tokens.flatMap(({ content }) => [content, `a ${content}\n`]);
    for (const ids of encode(texts)) {
        assert.ok(ids.length > 1);
        assert.ok(ids.every((id) => id < 4091));
    }
    assert.deepEqual(encode(['<|eot_id|>'], '--special'), [[EOT]]);
});

test('a chat of one message has the ids of the template as text', () => {
    // What Python's strip() takes away, which is what `trim` means in the template.
    const space = '[\\p{White_Space}\\x1c-\\x1f]+';
    const trim = (text) => text.replace(new RegExp(`^${space}|${space}$`, 'gu'), '');
    const texts = ['', ' ', ...makeLines(500)];
    encode(texts, '--user').forEach((ids, i) => {
        const text = `<|begin_of_text|>User: ${trim(texts[i])}<|eot_id|>Assistant: `;
        const want = expected.encode(text, { add_special_tokens: false }).ids;
        assert.deepEqual(ids, want, JSON.stringify(texts[i]));
    });
});

test('the golden prompts have the ids they were computed with', () => {
    const data = join(root, 'tests/golden/data/goldens.json');
    const { prompts } = JSON.parse(readFileSync(data, 'utf8'));
    for (const { name, text, messages, ids } of prompts) {
        if (messages) assert.equal(messages.length, 1);
        const [got] = messages ? encode([messages[0].content], '--user') : encode([text]);
        assert.deepEqual(messages ? got : [json.added_tokens[0].id, ...got], ids, name);
    }
});

test('the long s counts as an s of a contraction, as in the Rust original', () => {
    // @huggingface/tokenizers folds only ASCII, so this is compared with the pieces by themselves.
    const [whole, apostrophe, rest] = encode(["'\u017fab", "'\u017f", 'ab']);
    assert.deepEqual(whole, [...apostrophe, ...rest]);
});

test('bytes that are no UTF-8 come back from the ids', () => {
    const random = generator(99);
    const texts = Array.from({ length: 2000 }, () =>
        Buffer.from(Array.from({ length: 1 + random(40) }, () => 1 + random(255))),
    );
    run(texts);
    run(texts, '--special');
});

test('10 MB of English and a word of 1 MB are fast', (t) => {
    const random = generator(5);
    let text = '';
    while (text.length < 10e6) text += english[random(english.length)];
    const word = Array.from({ length: 1e6 }, () => String.fromCharCode(97 + random(26))).join('');
    const same = 'a'.repeat(1e6);
    const lines = run([text, word, same], '--time').map((line) => line.split(' ').map(Number));
    ['English', 'one word', 'one letter'].forEach((name, i) => {
        const [bytes, ids, seconds] = lines[i];
        const rate = (bytes / 1e6 / seconds).toFixed(1);
        t.diagnostic(`${name}: ${bytes} bytes, ${ids} ids, ${seconds} s, ${rate} MB/s`);
    });
    assert.ok(lines[0][2] < 2, 'English below 5 MB/s');
    assert.ok(lines[1][2] < 1 && lines[2][2] < 1, 'a word of 1 MB takes more than a second');
});
