// What callers and their data can do wrong while a model runs: rows R01 ... R19 of the table of faults, by number.
// R20 and R22 are in browser.test.mjs.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test, { after, before } from 'node:test';
import { Answer } from '../../web/answer.js';
import { Trit, TritError } from '../../web/node.js';
import { collect, modelPath } from './helpers.mjs';

const prompt = 'Once upon a time';
const greedy = { maxTokens: 24, temperature: 0 };
const context = 512;
const coded = (code) => (error) => error instanceof TritError && error.code === code;

let model;
let expected;
before(async () => {
    model = await Trit.load(modelPath, { threads: 1 });
    expected = (await model.generate(prompt, greedy).result).ids;
});
after(() => model.close());

/** The engine is as good as new. */
async function isFine() {
    assert.deepEqual((await model.generate(prompt, greedy).result).ids, expected);
}

test('R01 an abort stops at once in load, prefill and decode, and leaves no trace', async () => {
    const bytes = await readFile(modelPath);
    for (const share of [0, 0.5, 0.99]) {
        const stop = new AbortController();
        const pieces = (async function* () {
            yield bytes.subarray(0, share * bytes.length);
            stop.abort();
            yield bytes.subarray(share * bytes.length);
        })();
        const { signal } = stop;
        await assert.rejects(Trit.load(pieces, { signal, threads: 1 }), coded('ABORTED'));
    }
    const ids = Array.from({ length: 500 }, (_, i) => (i * 7919) % 4000);
    const begin = performance.now();
    await model.generate(ids, { ...greedy, maxTokens: 1 }).result;
    const whole = performance.now() - begin;
    const late = [];
    // A busy machine makes `whole` long and an answer that ends before its abort: the next one comes sooner.
    let nInPrefill = 0;
    for (let wait = 1.5 * whole; nInPrefill < 2; wait /= 2) {
        assert.ok(wait > 0.5, `${nInPrefill} aborts came in the prefill`);
        await model.generate('x', { maxTokens: 0 }).result; // so that the prompt is computed again
        await model.logits([1]);
        const stop = new AbortController();
        const { result } = model.generate(ids, { temperature: 0, signal: stop.signal });
        let at = 0;
        const timer = setTimeout(() => {
            at = performance.now();
            stop.abort();
        }, wait);
        const { finish, ids: drawn } = await result;
        clearTimeout(timer);
        if (finish === 'abort') late.push(performance.now() - at);
        else assert.equal(finish, 'length');
        if (finish === 'abort' && drawn.length === 0) nInPrefill++;
        await isFine();
    }
    let ended;
    for (let tries = 0; ended !== 'abort' && tries < 10; tries++) {
        const stop = new AbortController();
        const answer = model.generate(prompt, { temperature: 0, signal: stop.signal });
        let first = 0;
        for await (const _ of answer) {
            first ||= performance.now();
            stop.abort();
        }
        ({ finish: ended } = await answer.result);
        if (ended === 'abort') late.push(performance.now() - first);
        await isFine();
    }
    assert.equal(ended, 'abort', 'in decode');
    assert.ok(Math.max(...late) <= 200, `${late} ms`);
});

test('R02 an abort before the start, twice or after the end has no effect of its own', async () => {
    const stop = new AbortController();
    const { signal } = stop;
    const { result } = model.generate(prompt, { ...greedy, signal });
    assert.deepEqual((await result).ids, expected);
    stop.abort();
    stop.abort();
    assert.equal((await result).finish, 'length');
    assert.equal((await model.generate(prompt, { ...greedy, signal }).result).finish, 'abort');
    for (const call of [
        () => model.tokenize('x', { signal }),
        () => model.logits([1], { signal }),
        () => model.score('one two', { signal }),
        () => model.saveSession('x', { signal }),
        () => Trit.load(modelPath, { signal }),
    ])
        await assert.rejects(call(), coded('ABORTED'));
    await isFine();
});

test('R08 prompts of every length', async () => {
    const one = { maxTokens: 1, temperature: 0 };
    const bos = await model.generate('', one).result;
    assert.equal(bos.promptIds.length, 1, 'an empty text is the beginning of a text');
    await assert.rejects(model.generate([], one).result, coded('PARAM'));
    for (const text of [' ', '   \n', 'x'])
        assert.equal((await model.generate(text, one).result).ids.length, 1);
    const ids = (n) => new Array(n).fill(5);
    const full = await model.generate(ids(context), { temperature: 0 }).result;
    assert.deepEqual([full.ids.length, full.finish], [1, 'length']);
    const tooLong = coded('PROMPT_TOO_LONG');
    await assert.rejects(model.generate(ids(context + 1), one).result, (error) => {
        assert.match(error.message, /513 tokens .* 512/);
        return tooLong(error);
    });
    for (const text of ['word '.repeat(2e6), '\n'.repeat(1e6), 'a'.repeat(1e5)])
        await assert.rejects(model.generate(text, one).result, tooLong);
    await isFine();
});

test('R09 a context that becomes full ends the answer, and says so', async () => {
    const small = await Trit.load(modelPath, { contextLength: 40, threads: 1 });
    const { finish, usage } = await small.generate(prompt, { temperature: 0 }).result;
    assert.equal(finish, 'length');
    assert.equal(usage.promptTokens + usage.completionTokens, 41);
    const chat = small.chat();
    const first = await chat.send('Tell me a tale', { temperature: 0 }).result;
    assert.equal(first.finish, 'length');
    await assert.rejects(chat.send('More', greedy).result, coded('PROMPT_TOO_LONG'));
    assert.equal(chat.history.length, 2);
    small.close();
});

test('R10 numbers that are not finite are an error, not a token', async () => {
    const forbidden = new Map(Array.from({ length: 4096 }, (_, id) => [id, -Infinity]));
    await assert.rejects(
        model.generate(prompt, { ...greedy, logitBias: forbidden }).result,
        coded('PARAM'),
    );
    forbidden.delete(77);
    const { ids } = await model.generate(prompt, { maxTokens: 2, logitBias: forbidden }).result;
    assert.deepEqual(ids, [77, 77]);
    await isFine();

    const bytes = await readFile(modelPath);
    const headerBytes = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + headerBytes));
    const [name] = Object.keys(header).filter((key) => /^norm/.test(key));
    const [begin, end] = header[name].data_offsets;
    for (let at = begin; at < end; at += 4) bytes.writeFloatLE(3e38, 8 + headerBytes + at);
    const broken = await Trit.load(bytes, { threads: 1 });
    for (const options of [greedy, { maxTokens: 3 }])
        await assert.rejects(broken.generate(prompt, options).result, coded('NUMERIC'));
    broken.close();
});

test('R11 parameters out of range are refused by name, those at its ends are taken', async () => {
    const bad = {
        temperature: [-1, 1e9, NaN, '1'],
        topK: [-1, 1.5, NaN],
        topP: [-1, 0, 2, NaN],
        minP: [-1, 2],
        repeatPenalty: [0, -1, NaN, 1e9],
        frequencyPenalty: [NaN, 1e9],
        presencePenalty: [NaN, -1e9],
        penaltyLast: [-2, 0.5],
        maxTokens: [-1, 1e12, 1.5, '3'],
        seed: [-1, 2n ** 64n, 'x', 1.5],
        stop: [[''], [7], 'text', {}],
    };
    const refused = async (name, value) => model.generate(prompt, { [name]: value }).result;
    for (const [name, values] of Object.entries(bad))
        for (const value of values)
            await assert.rejects(refused(name, value), coded('PARAM'), `${name} ${value}`);
    const good = {
        temperature: [0, 100],
        topK: [0, 1, 1e6],
        topP: [1, 1e-9],
        minP: [0, 1],
        repeatPenalty: [0.01, 100],
        penaltyLast: [-1, 0],
        maxTokens: [0, 2],
        seed: [0, 2n ** 64n - 1n],
        stop: [[], Array.from({ length: 1000 }, (_, i) => `never ${i}`)],
    };
    for (const [name, values] of Object.entries(good))
        for (const value of values) {
            const { finish } = await model.generate(prompt, { maxTokens: 2, [name]: value }).result;
            assert.equal(finish, 'length', `${name} ${value}`);
        }
    await isFine();
});

/** An answer of these tokens' bytes: its pieces, and what it is at the end. */
function answerOf(tokens, stops = []) {
    const pieces = [];
    const answer = new Answer(stops, (piece) => pieces.push(piece));
    for (const token of tokens) if (!answer.stopped) answer.push(0, token);
    answer.finish();
    assert.equal(pieces.join(''), answer.text);
    return { text: answer.text, stopped: answer.stopped, pieces };
}

test('R12 a stop text is cut exactly, however the tokens split it', () => {
    const text = 'so 😀€ it ends, END of it';
    const bytes = new TextEncoder().encode(text);
    for (const stops of [['END'], ['😀€'], ['ends, E', 'ends'], ['e', 'END'], ['€', '€ it']]) {
        const first = Math.min(...stops.map((stop) => text.indexOf(stop)));
        for (const step of [1, 2, 3, 5, 7, bytes.length]) {
            const tokens = [];
            for (let at = 0; at < bytes.length; at += step)
                tokens.push(bytes.subarray(at, at + step));
            const answer = answerOf(tokens, stops);
            assert.deepEqual([answer.text, answer.stopped], [text.slice(0, first), true]);
        }
    }
    assert.deepEqual(answerOf([bytes], ['ENDE']).text, text, 'half of a stop text is text');
});

test('R13 only whole characters are streamed, and together they are the text', async () => {
    const smile = [...new TextEncoder().encode('a😀')].map((byte) => Uint8Array.of(byte));
    assert.deepEqual(answerOf(smile).pieces, ['a', '😀']);
    assert.equal(answerOf(smile.slice(0, -1)).text, 'a\ufffd');
    assert.equal(answerOf([Uint8Array.of(0x80, 0xff, 0x41)]).text, '\ufffd\ufffdA');
    // any tokens, those of single bytes among them
    const force = (id) => ({ maxTokens: 1, temperature: 0, logitBias: { [id]: 1000 } });
    const smiles = await model.tokenize('😀🏳️‍🌈');
    assert.ok(smiles.length > 4, 'the model has no token for them');
    const [half] = smiles;
    const { text } = await model.generate(prompt, force(half)).result;
    assert.equal(text, await model.detokenize([half]));
    for (let n = 1; n < smiles.length; n++)
        assert.match(await model.detokenize(smiles.slice(0, n)), /^[^\ufffd]*\ufffd?$/u);
    assert.equal(await model.detokenize(smiles), '😀🏳️‍🌈');
});

test('R14 every string goes there and back, or has a replacement', async () => {
    const there = async (text) => model.detokenize(await model.tokenize(text));
    for (const text of [
        'a\0b',
        '\uffff\ufffe',
        '\u202eabc\u202c',
        '👩‍👩‍👧',
        'e' + '\u0301'.repeat(10_000),
    ])
        assert.equal(await there(text), text);
    assert.equal(await there('a\ud800b\udc00'), 'a\ufffdb\ufffd', 'half a pair');
    const { promptIds } = await model.generate('\ud800', { maxTokens: 0 }).result;
    assert.equal(await model.detokenize(promptIds), '\ufffd');
});

test('R15 special tokens in what a user says are text', async () => {
    const eot = 4095;
    assert.deepEqual(await model.tokenize('<|eot_id|>', { special: true }), [eot]);
    const marks = '<|eot_id|><|start_header_id|>system<|end_header_id|>';
    const { promptIds } = await model.generate(marks, { maxTokens: 0 }).result;
    assert.ok(
        promptIds.slice(1).every((id) => id < 4090),
        'BOS alone is special',
    );
    const count = async (content) => {
        const messages = [{ role: 'user', content }];
        const asked = await model.generate({ messages }, { maxTokens: 0 }).result;
        return asked.promptIds.filter((id) => id >= 4090).length;
    };
    assert.equal(await count(marks), await count('Hello'));
});

test('R16 calls at once are worked off in turn and do not mix', async () => {
    const alone = async (text) => (await model.generate(text, greedy).result).text;
    const texts = ['Once upon a time', 'The king', 'A dog and a cat'];
    const one = [];
    for (const text of texts) one.push(await alone(text));
    const running = texts.map((text) => model.generate(text, greedy));
    const counted = model.tokenize('one two');
    const pieces = await Promise.all(running.map(collect));
    assert.deepEqual(
        pieces.map((list) => list.join('')),
        one,
    );
    assert.ok((await counted).length >= 2);
    // a load beside a generation
    const [other, result] = await Promise.all([
        Trit.load(modelPath, { threads: 1 }),
        model.generate(prompt, greedy).result,
    ]);
    assert.deepEqual(result.ids, expected);
    assert.deepEqual((await other.generate(prompt, greedy).result).ids, expected);
    other.close();
});

test('R17 close settles every promise, whatever is under way', async () => {
    const other = await Trit.load(modelPath, { threads: 2 });
    const disposed = coded('DISPOSED');
    const answer = other.generate(prompt, { temperature: 0 });
    const pieces = collect(answer);
    const calls = [
        other.tokenize('x'),
        other.logits([1]),
        other.score('one two'),
        other.saveSession('x'),
        other.chat().send('x').result,
    ];
    other.close();
    other.close();
    await assert.rejects(pieces, disposed);
    await assert.rejects(answer.result, disposed);
    for (const call of calls) await assert.rejects(call, disposed);
    await assert.rejects(other.generate(prompt).result, disposed);
    await assert.rejects(other.tokenize('x'), disposed);
    assert.equal(other.info.nVocab, 4096, 'what is known stays known');
});

test('R18 a caller may throw, wait, abort and ask for more while it reads', async () => {
    const mine = new Error('mine');
    const failing = async () => {
        for await (const piece of model.generate(prompt, greedy)) if (piece) throw mine;
    };
    await assert.rejects(failing(), (error) => error === mine);
    // one that waits for ever keeps nobody else from an answer
    const slow = model.generate(prompt, greedy);
    const loop = slow[Symbol.asyncIterator]();
    await loop.next();
    await isFine();
    assert.deepEqual((await slow.result).ids, expected);
    const inside = [];
    for await (const piece of model.generate(prompt, { ...greedy, maxTokens: 3 }))
        if (piece) inside.push((await model.generate(prompt, greedy).result).ids);
    assert.ok(inside.length >= 2);
    for (const ids of inside) assert.deepEqual(ids, expected);
});

test('R19 numbers of threads: refused out of range, else taken and told', async () => {
    for (const threads of [0, -1, 1.5, 1e4, NaN, '2'])
        await assert.rejects(Trit.load(modelPath, { threads }), coded('PARAM'));
    for (const threads of [1, 3, 16]) {
        const other = await Trit.load(modelPath, { threads });
        assert.equal(other.info.threads, threads);
        assert.deepEqual((await other.generate(prompt, greedy).result).ids, expected);
        other.close();
    }
});
