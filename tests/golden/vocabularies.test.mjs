// The tokenizers of public models against independent implementations, id by id. `tokenizers` is the
// original, in Rust; llama3-tokenizer-js, llama-tokenizer-js and @huggingface/tokenizers are JavaScript;
// Google's SentencePiece is C++ in WebAssembly.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

import { Tokenizer as JsTokenizer } from '@huggingface/tokenizers';
import llama2 from 'llama-tokenizer-js';
import sentencepiece from '@agnai/sentencepiece-js';
import { Tokenizer } from 'tokenizers';

import { sentencePieceModel } from './sentencepiece.mjs';
import { englishTokens, generator, idsOf, makeLines, runTool } from './tokenizing.mjs';
import { falconJson, llama2Json, llama3Json, writeVocabulary } from './vocabularies.mjs';

const N_LINES = 115000; // of which the JavaScript implementations understand nine tenths alike
const scratch = mkdtempSync(join(tmpdir(), 'trit-vocabularies-'));
after(() => rmSync(scratch, { recursive: true }));

const extract = readFileSync(
    fileURLToPath(new URL('./data/extract.txt', import.meta.url)),
    'utf8',
).split('\n');

/** Mixed lines, and a text of some pages. None holds an added token by chance. */
function linesFor(json, n, seed) {
    const added = json.added_tokens.map(({ content }) => content).slice(0, 20);
    const holdsNone = (line) => !added.some((content) => line.includes(content));
    const lines = makeLines(n, englishTokens(json), seed);
    return [...lines, ...extract].filter((line) => line.isWellFormed() && holdsNone(line));
}

/** JavaScript's \s knows U+FEFF and not U+0085, the Unicode standard the other way round. */
const isSameSpace = (line) => !/[\x85\ufeff]/.test(line);

function makeFile(name, json) {
    const file = join(scratch, `${name}.json`);
    writeFileSync(file, JSON.stringify(json));
    return file;
}

/** The ids of the Rust original. */
async function original(json, lines) {
    const encodings = await Tokenizer.fromString(JSON.stringify(json)).encodeBatch(lines, {
        addSpecialTokens: false,
    });
    return encodings.map((encoding) => encoding.getIds());
}

/** Every line has the ids that are wanted; returns how many ids that are. */
function compare(got, lines, idsOfLine, what) {
    let n = 0;
    lines.forEach((line, i) => {
        const want = idsOfLine(line, i);
        if (got[i].length !== want.length || got[i].some((id, at) => id !== want[at]))
            assert.fail(`${what}: ${JSON.stringify(line)}: ${got[i]} instead of ${want}`);
        n += want.length;
    });
    return n;
}

/** Lines with tokens of the list in them. */
function withTokens(lines, tokens, seed) {
    const random = generator(seed);
    return lines
        .map((line) => {
            const at = random(line.length + 1);
            const token = tokens[random(tokens.length)].content;
            return line.slice(0, at) + token + line.slice(at) + token.slice(0, random(5));
        })
        .filter((line) => line.isWellFormed());
}

const llama3File = () => makeFile('llama3', llama3Json());

test('Llama 3, the real vocabulary: 100,000 lines, two implementations', async (t) => {
    const json = llama3Json();
    const lines = linesFor(json, N_LINES, 3);
    const got = runTool(llama3File(), 128256, lines).map(idsOf);
    const want = await original(json, lines);
    const n = compare(got, lines, (_, i) => want[i], 'tokenizers');
    t.diagnostic(`${lines.length} lines, ${n} ids equal to tokenizers (Rust)`);

    const js = new JsTokenizer(json, { clean_up_tokenization_spaces: false });
    const options = { add_special_tokens: false };
    const same = lines.map((line, i) => ({ line, i })).filter(({ line }) => isSameSpace(line));
    assert.ok(same.length >= 100000);
    const m = compare(
        same.map(({ i }) => got[i]),
        same.map(({ line }) => line),
        (line) => js.encode(line, options).ids,
        '@huggingface/tokenizers',
    );
    t.diagnostic(`${same.length} lines, ${m} ids equal to @huggingface/tokenizers`);
});

test('Llama 3 from the keys of GGUF, also of the first file of 2B4T, which does not say how text is cut', () => {
    const json = llama3Json();
    const lines = linesFor(json, 5000, 4);
    const want = runTool(llama3File(), 128256, lines);
    for (const options of [{ pre: 'llama-bpe' }, { arch: 'bitnet-b1.58' }]) {
        const file = join(scratch, 'llama3.gguf');
        writeVocabulary(file, json, 128256, { model: 'gpt2', ...options });
        assert.ok(isDeepStrictEqual(runTool(file, 0, lines), want), JSON.stringify(options));
    }
});

for (const [name, nVocab, nAdded, pre] of [
    ['Falcon3', 131072, 2024, 'falcon3'],
    ['Falcon-E', 32768, 512, 'falcon_e'],
]) {
    test(`${name}'s kind of vocabulary, made from Llama 3's: added tokens, tokenizer.json and GGUF`, async (t) => {
        const json = falconJson(nVocab, nAdded);
        const file = makeFile(pre, json);
        const lines = withTokens(linesFor(json, 20000, 5), json.added_tokens.slice(0, 12), 6);
        const got = runTool(file, nVocab, lines, '--special');
        const want = await original(json, lines);
        const n = compare(got.map(idsOf), lines, (_, i) => want[i], 'tokenizers');
        t.diagnostic(`${lines.length} lines, ${n} ids equal to tokenizers (Rust)`);

        const gguf = join(scratch, `${pre}.gguf`);
        writeVocabulary(gguf, json, nVocab, { model: 'gpt2', pre });
        assert.ok(isDeepStrictEqual(runTool(gguf, nVocab, lines, '--special'), got), 'GGUF');
        // without the flag: added tokens are found, what marks a conversation is not
        const plain = runTool(file, nVocab, ['a<tool_call>b', 'a<|user|>b', '>>TITLE<<']).map(
            idsOf,
        );
        assert.ok(plain[0].includes(5) && !plain[1].includes(3) && !plain[2].includes(0));
        assert.deepEqual(runTool(gguf, nVocab, ['a<tool_call>b']).map(idsOf)[0], plain[0]);
    });
}

test('Llama 2, the real vocabulary, as 1bitLLM has it: three implementations', async (t) => {
    const json = llama2Json();
    const file = makeFile('llama2', json);
    const lines = [...linesFor(json, 100000, 7), ...extract.map((line) => `  ${line} ▁ ▁▁x`)];
    const got = runTool(file, 32002, lines).map(idsOf);
    assert.deepEqual(runTool(file, 32002, ['Hello world!'])[0], '15043 3186 29991');
    const want = await original(json, lines);
    const n = compare(got, lines, (_, i) => want[i], 'tokenizers');
    t.diagnostic(`${lines.length} lines, ${n} ids equal to tokenizers (Rust)`);

    const some = lines.slice(0, 20000);
    compare(got, some, (line) => llama2.encode(line, false, true), 'llama-tokenizer-js');
    t.diagnostic(`${some.length} lines equal to llama-tokenizer-js`);

    const model = join(scratch, 'tokenizer.model');
    writeFileSync(model, sentencePieceModel(json, 32002));
    const google = new sentencepiece.SentencePieceProcessor();
    await google.load(model);
    compare(got, some, (line) => google.encodeIds(line), 'SentencePiece');
    t.diagnostic(`${some.length} lines equal to SentencePiece`);

    const gguf = join(scratch, 'llama2.gguf');
    writeVocabulary(gguf, json, 32002, { model: 'llama' });
    compare(runTool(gguf, 0, lines).map(idsOf), lines, (_, i) => got[i], 'GGUF');
});

test('Llama 2: special tokens in text, and a space after each', async () => {
    const json = llama2Json();
    const lines = withTokens(linesFor(json, 5000, 8), json.added_tokens, 9);
    const got = runTool(makeFile('llama2', json), 32002, lines, '--special').map(idsOf);
    const want = await original(json, lines);
    compare(got, lines, (_, i) => want[i], 'tokenizers');
});

test('Llama 2: 10 MB of English and a word of 1 MB are fast', (t) => {
    const json = llama2Json();
    const english = englishTokens(json).filter((text) => text.startsWith(' '));
    const random = generator(10);
    let text = '';
    while (text.length < 10e6) text += english[random(english.length)];
    const word = 'a'.repeat(1e6);
    const lines = runTool(makeFile('llama2', json), 32002, [text, word], '--time');
    const [[bytes, , seconds], [, , wordSeconds]] = lines.map((line) =>
        line.split(' ').map(Number),
    );
    t.diagnostic(`English: ${(bytes / 1e6 / seconds).toFixed(1)} MB/s, one word: ${wordSeconds} s`);
    assert.ok(seconds < 2, 'English below 5 MB/s');
    assert.ok(wordSeconds < 1, 'a word of 1 MB takes more than a second');
});

test("2B4T's template has the ids of Hugging Face's test, Llama 3's and Falcon 3's those of their text", async () => {
    const json = llama3Json();
    const [ids] = runTool(llama3File(), 128256, ['How are you?'], '--user=bitnet-2b4t').map(idsOf);
    // transformers, test_modeling_bitnet.py, which puts one more BOS in front
    assert.deepEqual(ids, [128000, 1502, 25, 2650, 527, 499, 30, 128009, 72803, 25, 220]);

    const lines = linesFor(json, 1000, 11).map((line) => line.trim());
    const llama3Texts = lines.map(
        (line) =>
            `<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n${line}<|eot_id|>` +
            '<|start_header_id|>assistant<|end_header_id|>\n\n',
    );
    const falcon = falconJson(131072, 2024);
    const falconTexts = lines.map((line) => `<|user|>\n${line}\n<|assistant|>\n`);
    for (const [id, model, nVocab, texts] of [
        ['llama3', json, 128256, llama3Texts],
        ['falcon3', falcon, 131072, falconTexts],
    ]) {
        const got = runTool(makeFile(id, model), nVocab, lines, `--user=${id}`).map(idsOf);
        const want = await original(model, texts);
        // Python's trim takes more away than JavaScript's
        const same = lines.map((line, i) => i).filter((i) => isSameSpace(lines[i]));
        compare(
            same.map((i) => got[i]),
            same.map((i) => lines[i]),
            (_, at) => want[same[at]],
            id,
        );
    }
});
