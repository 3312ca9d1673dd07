import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import test, { after, before } from 'node:test';
import { Trit, TritError } from '../../web/node.js';
import { chooseBuild } from '../../web/features.js';
import { StopFinder, TextJoiner } from '../../web/stream.js';
import { collect, modelPath } from './helpers.mjs';

const prompt = 'Once upon a time';
const greedy = { maxTokens: 24, temperature: 0 };
const coded = (code) => (error) => error instanceof TritError && error.code === code;

let model;
before(async () => {
    model = await Trit.load(modelPath, { threads: 1 });
});
after(() => model.close());

test('load: every kind of source gives the same model', async () => {
    const bytes = await readFile(modelPath);
    const expected = (await model.generate(prompt, greedy).result).ids;
    const pieces = async function* () {
        for (let at = 0; at < bytes.length; at += 77_777) yield bytes.subarray(at, at + 77_777);
    };
    const server = createServer((_, response) => response.end(bytes)).listen(0);
    const url = `http://localhost:${server.address().port}/model.trit`;
    const copy = Uint8Array.from(bytes);
    for (const source of [copy, copy.buffer, new Blob([bytes]), pieces(), new URL(url), url]) {
        const loaded = [];
        const onProgress = (progress) => loaded.push(progress.loaded);
        const other = await Trit.load(source, { threads: 1, onProgress });
        assert.deepEqual((await other.generate(prompt, greedy).result).ids, expected);
        assert.equal(loaded.at(-1), bytes.length);
        other.close();
    }
    assert.equal(copy.length, bytes.length, 'the memory of the caller is left alone');
    server.close();
    const network = { firstTries: 1 };
    await assert.rejects(Trit.load(url, { store: false, network }), coded('NETWORK'));
});

test('load: wrong wishes are refused by name', async () => {
    for (const threads of [0, -1, 1.5, NaN, 65])
        await assert.rejects(Trit.load(modelPath, { threads }), coded('PARAM'));
    for (const contextLength of [0, NaN, 513])
        await assert.rejects(Trit.load(modelPath, { contextLength, threads: 1 }), coded('PARAM'));
    await assert.rejects(Trit.load(modelPath, { kv: 'f8', threads: 1 }), coded('PARAM'));
    await assert.rejects(Trit.load(modelPath, { flavour: 'x' }), coded('PARAM'));
    for (const network of [{ tries: 0 }, { stallMs: '5' }, { retries: 3 }])
        await assert.rejects(Trit.load(modelPath, { network }), coded('PARAM'));
    await assert.rejects(Trit.load(42, { threads: 1 }), coded('PARAM'));
    await assert.rejects(Trit.load('/nothing/there'), coded('FILE'));
});

test('load can be stopped', async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(Trit.load(modelPath, { signal }), coded('ABORTED'));
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const loading = Trit.load(modelPath, { signal: controller.signal, onProgress, threads: 1 });
    await assert.rejects(loading, coded('ABORTED'));
});

test('generate: pieces add up to the text; the result is whole', async () => {
    const answer = model.generate(prompt, greedy);
    const pieces = await collect(answer);
    const result = await answer.result;
    assert.equal(pieces.join(''), result.text);
    assert.ok(pieces.length > 10);
    assert.equal(result.finish, 'length');
    assert.equal(result.ids.length, 24);
    assert.deepEqual(result.promptIds, await model.tokenize(prompt, { bos: true }));
    assert.equal(result.text, await model.detokenize(result.ids));
    assert.equal(result.usage.completionTokens, 24);
    const again = await model.generate(result.promptIds, greedy).result;
    assert.deepEqual(again.ids, result.ids);
    assert.ok(again.usage.cachedTokens > 0, 'the prompt was computed before');
});

test('generate: the same tokens with and without what is multiplied by zero', async () => {
    const expected = (await model.generate(prompt, greedy).result).ids;
    for (const kernels of model.info.flavour === 'relaxed' ? ['v128', 'relaxed'] : ['v128']) {
        const other = await Trit.load(modelPath, { kernels, dense: true, contextLength: 256 });
        const skipping = await Trit.load(modelPath, { kernels, contextLength: 256 });
        assert.deepEqual([other.info.dense, skipping.info.dense], [true, false]);
        assert.deepEqual((await other.generate(prompt, greedy).result).ids, expected);
        assert.deepEqual((await skipping.generate(prompt, greedy).result).ids, expected);
        other.close();
        skipping.close();
    }
});

test('generate: the kind of KV cache, threads and context length load', async () => {
    const expected = (await model.generate(prompt, greedy).result).ids;
    for (const kv of ['f16', 'int8']) {
        const other = await Trit.load(modelPath, { kv, threads: 2, contextLength: 64 });
        assert.equal(other.info.kv, kv);
        assert.ok(other.info.sessionBytes < model.info.sessionBytes);
        const { ids } = await other.generate(prompt, greedy).result;
        assert.equal(ids[0], expected[0]);
        const { finish, usage } = await other.generate(prompt, { temperature: 0 }).result;
        assert.equal(finish, 'length');
        assert.equal(usage.promptTokens + usage.completionTokens, 64 + 1);
        other.close();
    }
});

test('generate: logit bias can forbid and force', async () => {
    const { ids } = await model.generate(prompt, greedy).result;
    const banned = await model.generate(prompt, { ...greedy, logitBias: { [ids[0]]: -Infinity } })
        .result;
    assert.notEqual(banned.ids[0], ids[0]);
    const forced = await model.generate(prompt, { ...greedy, logitBias: new Map([[300, 1000]]) })
        .result;
    assert.deepEqual([...new Set(forced.ids)], [300]);
    const stopped = await model.generate(prompt, { ...greedy, logitBias: { 4092: 1000 } }).result;
    assert.deepEqual([stopped.ids, stopped.text, stopped.finish], [[], '', 'stop']);
});

test('generate: parameters that make no sense are refused', async () => {
    const names = ['temperature', 'topK', 'topP', 'minP', 'repeatPenalty', 'maxTokens', 'seed'];
    for (const name of names)
        for (const value of [NaN, Infinity, -2])
            assert.throws(() => model.generate(prompt, { [name]: value }), coded('PARAM'), name);
    for (const name of ['frequencyPenalty', 'presencePenalty'])
        assert.throws(() => model.generate(prompt, { [name]: NaN }), coded('PARAM'));
    for (const stop of ['text', [''], [1]])
        assert.throws(() => model.generate(prompt, { stop }), coded('PARAM'));
    for (const ids of [null, 7, ['1'], [1.5], [-1]])
        assert.throws(() => model.generate(ids), coded('PARAM'));
    for (const options of [{ topP: 0 }, { topP: 1.5 }, { temperature: 1000 }])
        await assert.rejects(model.generate(prompt, options).result, coded('PARAM'));
    await assert.rejects(model.generate([]).result, coded('PARAM'));
    await assert.rejects(model.generate([4096]).result, coded('PARAM'));
    await assert.rejects(model.generate('x '.repeat(600)).result, coded('PROMPT_TOO_LONG'));
});

test('generate: seeds', async () => {
    const draw = async (seed) =>
        (await model.generate(prompt, { temperature: 2, maxTokens: 12, seed }).result).ids;
    assert.deepEqual(await draw(0), await draw(0n));
    assert.notDeepEqual(await draw(0), await draw(1));
    assert.notDeepEqual(await draw(1), await draw(2n ** 32n + 1n), 'all 64 bits count');
    assert.notDeepEqual(await draw(undefined), await draw(undefined));
});

test('generate: an abort ends the pieces and is told in the result', async () => {
    const controller = new AbortController();
    const answer = model.generate(prompt, { temperature: 0, signal: controller.signal });
    let n = 0;
    for await (const piece of answer) {
        assert.ok(piece);
        if (++n === 3) controller.abort();
    }
    const { finish, ids } = await answer.result;
    assert.equal(finish, 'abort');
    assert.ok(ids.length >= 3 && ids.length < 400);

    const never = model.generate(prompt, { signal: AbortSignal.abort() });
    assert.deepEqual(await collect(never), []);
    assert.deepEqual((await never.result).ids, []);
    assert.equal((await never.result).finish, 'abort');
});

test('generate: leaving the loop stops the work', async () => {
    const answer = model.generate(prompt, { temperature: 0 });
    for await (const piece of answer) if (piece) break;
    assert.equal((await answer.result).finish, 'abort');
    assert.equal((await model.generate(prompt, greedy).result).ids.length, 24);
});

test('generate: what waits can be stopped before it begins', async () => {
    const first = model.generate(prompt, { temperature: 0, maxTokens: 100 });
    const controller = new AbortController();
    const second = model.generate(prompt, { signal: controller.signal });
    controller.abort();
    assert.equal((await second.result).finish, 'abort');
    assert.deepEqual((await second.result).ids, []);
    assert.equal((await first.result).finish, 'length');
});

test('two loops over one answer both get all of it', async () => {
    const answer = model.generate(prompt, greedy);
    const [one, two] = await Promise.all([collect(answer), collect(answer)]);
    const { text } = await answer.result;
    assert.equal(one.join(''), text);
    assert.deepEqual(two, one);
    assert.deepEqual(await collect(answer), one);
});

test('stop texts are never shown, not even in part', async () => {
    const { text } = await model.generate(prompt, greedy).result;
    const stop = [text.slice(9, 14), 'never to be seen'];
    const answer = model.generate(prompt, { ...greedy, stop });
    const pieces = await collect(answer);
    const expected = text.slice(0, text.indexOf(stop[0]));
    assert.equal(pieces.join(''), expected);
    assert.equal((await answer.result).text, expected);
    assert.equal((await answer.result).finish, 'stop');
});

test('StopFinder holds back what may become a stop text', () => {
    const finder = new StopFinder(['END', 'EX']);
    assert.equal(finder.push('a E'), 'a ');
    assert.equal(finder.push('N'), '');
    assert.equal(finder.push('O'), 'ENO');
    assert.equal(finder.push('E'), '');
    assert.equal(finder.flush(), 'E');
    assert.equal(finder.push('bENEXc'), 'bEN');
    assert.ok(finder.found);
    assert.equal(finder.push('more') + finder.flush(), '');
});

test('TextJoiner gives whole code points only', () => {
    const joiner = new TextJoiner();
    const bytes = new TextEncoder().encode('a€😀');
    assert.deepEqual(
        [...bytes].map((byte) => joiner.push(Uint8Array.of(byte))),
        ['a', '', '', '€', '', '', '', '😀'],
    );
    assert.equal(joiner.push(Uint8Array.of(0xf0, 0x9f)) + joiner.flush(), '\ufffd');
});

test('tokenize and detokenize', async () => {
    const text = 'A “quoted” naïve 😀 tale\n\tof <|eot_id|>';
    assert.equal(await model.detokenize(await model.tokenize(text)), text);
    assert.deepEqual(await model.tokenize(''), []);
    const ids = await model.tokenize('x<|eot_id|>', { special: true });
    assert.equal(ids.at(-1), 4095);
    assert.equal(await model.detokenize(ids), 'x');
    await assert.rejects(model.tokenize(7), coded('PARAM'));
    await assert.rejects(model.detokenize([99999]), coded('PARAM'));
});

test('logits: rows of all positions do not depend on how they are computed', async () => {
    const ids = await model.tokenize('The king had a daughter. '.repeat(20), { bos: true });
    assert.ok(ids.length > 100);
    const all = await model.logits(ids, { all: true });
    assert.equal(all.length, ids.length * model.info.nVocab);
    for (const n of [1, 64, 65, ids.length])
        assert.deepEqual(
            await model.logits(ids.slice(0, n)),
            all.slice((n - 1) * model.info.nVocab, n * model.info.nVocab),
        );
    await assert.rejects(model.logits([]), coded('PARAM'));
});

test('score agrees with the logits', async () => {
    const text = 'There was once a king who had a daughter.';
    const ids = await model.tokenize(text, { bos: true });
    const rows = await model.logits(ids, { all: true });
    let bits = 0;
    for (let i = 1; i < ids.length; i++) {
        const row = rows.subarray((i - 1) * model.info.nVocab, i * model.info.nVocab);
        bits += Math.log2(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[ids[i]] / Math.LN2;
    }
    const score = await model.score(text);
    assert.equal(score.tokens, ids.length - 1);
    assert.ok(Math.abs(score.bitsPerByte - bits / text.length) < 1e-6);
});

test('chat keeps its history, also of a stopped answer', async () => {
    const chat = model.chat({ system: 'Be brief.' });
    const first = await chat.send('Hello', greedy).result;
    const controller = new AbortController();
    const second = chat.send('More', { temperature: 0, signal: controller.signal });
    assert.throws(() => chat.send('Now', greedy), coded('STATE'));
    for await (const piece of second) if (piece) controller.abort();
    const { text, finish, usage } = await second.result;
    assert.equal(finish, 'abort');
    assert.ok(
        2 * usage.cachedTokens > first.promptIds.length,
        'what is known is not computed again',
    );
    assert.deepEqual(chat.history, [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: first.text },
        { role: 'user', content: 'More' },
        { role: 'assistant', content: text },
    ]);
    for (const messages of [[null], [{ role: 'user' }], [{ role: 'stranger', content: 'Hello' }]])
        assert.throws(() => model.generate({ messages }), coded('PARAM'));
    const long = chat.send('word '.repeat(600), greedy);
    await assert.rejects(collect(long), coded('PROMPT_TOO_LONG'));
    assert.equal(chat.history.length, 5, 'a turn that failed leaves no trace');
});

test('the memory is weights, context and little else', async (t) => {
    const large = await Trit.synthetic('0.7B', { threads: 1, contextLength: 64 });
    const { memoryBytes } = await large.measure({ prefill: 2, decode: 1 });
    const { modelBytes, sessionBytes } = large.info;
    large.close();
    const beside = memoryBytes - modelBytes - sessionBytes;
    t.diagnostic(`${modelBytes} + ${sessionBytes} bytes, ${beside} beside`);
    assert.ok(beside > 0 && beside < 16 * 2 ** 20);
    const catalogue = new URL('../../models/catalog.json', import.meta.url);
    const { models } = JSON.parse(await readFile(catalogue, 'utf8'));
    const { memory } = models.find(({ preset }) => preset === '0.7B');
    const more = modelBytes / memory.modelBytes; // it leaves out what lies between the matrices
    assert.ok(
        more >= 1 && more < 1.001,
        `${modelBytes} bytes, ${more} times what the catalogue says`,
    );
});

test('close ends what runs and refuses what comes', async () => {
    const other = await Trit.load(modelPath, { threads: 1 });
    const answer = other.generate(prompt, { temperature: 0 });
    other.close();
    other.close();
    await assert.rejects(answer.result, coded('DISPOSED'));
    await assert.rejects(other.tokenize('x'), coded('DISPOSED'));
});

test('chooseBuild', () => {
    const all = { simd: true, relaxed: true, threads: true };
    assert.deepEqual(chooseBuild({}, 4, all), { flavour: 'relaxed', threads: 4 });
    const alone = chooseBuild({}, 4, { ...all, threads: false });
    assert.equal(alone.threads, 1);
    assert.match(alone.note, /SharedArrayBuffer.*cross-origin isolated/);
    assert.throws(() => chooseBuild({}, 4, { ...all, simd: false }), coded('UNSUPPORTED'));
    const wishes = [{ flavour: 'relaxed' }, { threads: 2 }];
    for (const wish of wishes)
        assert.throws(
            () => chooseBuild(wish, 4, { simd: true, relaxed: false, threads: false }),
            coded('UNSUPPORTED'),
        );
});

test('require gives every call that import gives', () => {
    const required = createRequire(import.meta.url)('../../web/node.cjs').Trit;
    assert.deepEqual(Object.keys(required).sort(), Object.keys(Trit).sort());
});
