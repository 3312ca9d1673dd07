// The tokenizer against an independent implementation, @huggingface/tokenizers: the same ids for
// mixed text of every kind. The tool itself checks that the ids give every byte back.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { Tokenizer } from '@huggingface/tokenizers';

import { BLOCKS, englishTokens, generator, idsOf, makeLines, runTool } from './tokenizing.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const file = join(root, 'tests/golden/data/tokenizer.json');
const json = JSON.parse(readFileSync(file, 'utf8'));
// Of the tokenizer's settings only these matter: no clean-up, and BOS comes from the template.
const expected = new Tokenizer(json, { clean_up_tokenization_spaces: false });
const N_VOCAB = 4096;
const EOT = 4095;

const run = (texts, ...flags) => runTool(file, N_VOCAB, texts, ...flags);
const encode = (texts, ...flags) => run(texts, ...flags).map(idsOf);

const english = englishTokens(json);

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
    const lines = makeLines(12000, english);
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
    const texts = makeLines(500, english).map((line) => {
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
    const texts = ['', ' ', ...makeLines(500, english)];
    encode(texts, '--user=bitnet-2b4t').forEach((ids, i) => {
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
        const [got] = messages
            ? encode([messages[0].content], '--user=bitnet-2b4t')
            : encode([text]);
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
