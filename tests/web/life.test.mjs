// Engines that crash, hang or do not start, in Node: rows R03 ... R06, R21 and R28 of the table of faults. What only
// browsers have is in life-browser.test.mjs.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test, { after, before } from 'node:test';
import { load, synthetic } from '../../web/load.js';
import { Trit, TritError } from '../../web/node.js';
import { faultyPlatform } from './faulty-node.mjs';
import { collect, modelPath } from './helpers.mjs';
import { serveModel } from './model-server.mjs';

const prompt = 'Once upon a time';
const greedy = { maxTokens: 24, temperature: 0 };
const coded = (code) => (error) => error instanceof TritError && error.code === code;
const crashed = coded('ENGINE_CRASHED');

let bytes;
let expected;
before(async () => {
    bytes = await readFile(modelPath);
    const model = await Trit.load(modelPath, { threads: 1 });
    expected = (await model.generate(prompt, greedy).result).ids;
    model.close();
});

/** A model whose engine can be told to fail, and the workers that it had. */
async function faulty(source = modelPath, options = {}, trit = {}) {
    const platform = faultyPlatform(trit);
    const restarts = [];
    const onRestart = ({ reason }) => restarts.push(reason);
    const model = await load(platform, source, { threads: 1, onRestart, ...options });
    const fault = (kind, after = 0) =>
        platform.workers.at(-1).postMessage({ fault: { kind, after } });
    /** Of the worker that there is now. */
    const struck = () =>
        new Promise((resolve) => {
            platform.workers.at(-1).on('message', ({ id }) => id === 'struck' && resolve());
        });
    return { model, fault, struck, restarts, workers: platform.workers };
}

async function isFine(model) {
    assert.deepEqual((await model.generate(prompt, greedy).result).ids, expected);
}

test('R05 after a trap of any kind the model answers as a fresh one, and the old engine is not called', async (t) => {
    const { model, fault, restarts, workers } = await faulty();
    t.after(() => model.close());
    const kinds = ['out of bounds', 'unreachable', 'division by zero', 'stack overflow', 'abort'];
    for (const [i, kind] of kinds.entries()) {
        fault(kind, i);
        const old = workers.at(-1);
        const computing = model.logits(new Array(400).fill(7), { all: true });
        // what waits behind it must not reach the engine that has trapped
        const answer = model.generate(prompt, greedy);
        const behind = [model.tokenize('x'), model.score('one two'), answer.result];
        const counted = new Promise((resolve) => {
            old.on('message', ({ id, calledAfter, error }) => {
                if (error) old.postMessage({ fault: 'count' });
                if (id === 'count') resolve(calledAfter);
            });
            old.on('exit', () => resolve(0)); // it was ended before it could say
        });
        await assert.rejects(computing, crashed, kind);
        await assert.rejects(collect(answer), crashed, kind);
        for (const call of behind) await assert.rejects(call, crashed, kind);
        assert.ok((await counted) <= 1, 'the message of an error, and nothing after it');
        await isFine(model);
        assert.equal(restarts.length, i + 1);
    }
    assert.equal(workers.length, kinds.length + 1);
});

test('after a crash a grammar is followed from its beginning', async (t) => {
    const { model, fault, restarts } = await faulty();
    t.after(() => model.close());
    const schema = { type: 'string', minLength: 10, maxLength: 20 };
    const ask = () => model.generate(prompt, { jsonSchema: schema, seed: 3 }).result;
    const { text, ids } = await ask();
    assert.match(text, /^".{10,}"$/);
    fault('unreachable', 5);
    await assert.rejects(ask(), crashed);
    assert.deepEqual((await ask()).ids, ids);
    assert.equal(restarts.length, 1);
});

test('R03 a worker that ends at any moment is replaced, and conversations go on', async (t) => {
    const { model, workers, restarts } = await faulty();
    t.after(() => model.close());
    const ask = async (chat, text) => (await chat.send(text, greedy).result).text;
    const told = model.chat();
    const alone = [await ask(told, 'A tale'), await ask(told, 'More'), await ask(told, 'And')];
    const [chat, other] = [model.chat(), model.chat()];
    assert.equal(await ask(chat, 'A tale'), alone[0]);
    await ask(other, 'A cat');
    const fork = chat.fork();
    const ends = [];
    for (let n = 0; n < 6; n++) {
        const { result } = model.generate(prompt, { ...greedy, maxTokens: 450 });
        await new Promise((resolve) => setTimeout(resolve, (n * 31) % 60));
        workers.at(-1)[n % 2 ? 'terminate' : 'postMessage']({ fault: 'end' });
        // on a machine that gives us no time, the answer has been there before
        ends.push(
            await result.then(
                ({ finish }) => finish,
                ({ code }) => code,
            ),
        );
        while (restarts.length <= n) await new Promise((resolve) => setTimeout(resolve, 5));
        await isFine(model);
    }
    assert.ok(ends.filter((end) => end === 'ENGINE_CRASHED').length >= 3, `${ends}`);
    assert.ok(
        ends.every((end) => ['ENGINE_CRASHED', 'length'].includes(end)),
        `${ends}`,
    );
    assert.equal(restarts.length, 6);
    assert.deepEqual(chat.history.length, 2);
    assert.equal(await ask(chat, 'More'), alone[1]);
    assert.equal(await ask(fork, 'More'), alone[1], 'a fork is computed again');
    assert.equal(await ask(chat, 'And'), alone[2]);
    fork.close();
});

test('a worker that ends while nothing is under way is replaced, too', async (t) => {
    const { model, workers, restarts } = await faulty(modelPath, { threads: 2 });
    t.after(() => model.close());
    const before = model.info;
    await workers[0].terminate();
    await isFine(model);
    assert.notEqual(model.info, before, 'it is told anew');
    for (const name of ['nVocab', 'threads', 'flavour', 'sessionBytes'])
        assert.equal(model.info[name], before[name]);
    assert.equal(restarts.length, 1);
    assert.match(restarts[0], /ended/);
});

test('what was stored is loaded again without a request', async (t) => {
    const server = await serveModel(bytes);
    t.after(server.close);
    const { model, fault } = await faulty(server.url);
    t.after(() => model.close());
    assert.equal(model.info.stored, true);
    const { length } = server.requests;
    server.close();
    fault('unreachable');
    await assert.rejects(model.generate(prompt, greedy).result, crashed);
    await isFine(model);
    assert.equal(server.requests.length, length);
});

test('sources are read again where there is a second time', async () => {
    const parts = [bytes.subarray(0, 5e5), bytes.subarray(5e5)];
    for (const source of [bytes, new Blob([bytes]), Uint8Array.from(bytes).buffer, parts]) {
        const { model, fault } = await faulty(source);
        fault('abort');
        await assert.rejects(model.generate(prompt, greedy).result, crashed);
        await isFine(model);
        model.close();
    }
    const stream = (async function* () {
        yield bytes;
    })();
    const { model, fault, restarts } = await faulty(stream);
    fault('abort');
    await assert.rejects(model.generate(prompt, greedy).result, crashed);
    await assert.rejects(model.tokenize('x'), (error) => {
        assert.match(error.message, /stream that is over: load the model again/);
        return crashed(error);
    });
    assert.deepEqual([restarts, model.info.nVocab], [[], 4096]);
    model.close();
    await assert.rejects(model.tokenize('x'), coded('DISPOSED'));
});

test('a source that has gone away, and an engine that crashes each time, are given up', async (t) => {
    const source = Uint8Array.from(bytes);
    const gone = await faulty(source);
    source.fill(0);
    gone.fault('abort');
    await assert.rejects(gone.model.generate(prompt, greedy).result, crashed);
    await assert.rejects(gone.model.generate(prompt).result, /cannot be loaded again .*: load the/);

    const { model, workers, restarts } = await faulty();
    t.after(() => model.close());
    const end = () => workers.at(-1).terminate();
    for (let n = 1; n <= 3; n++) {
        await end();
        while (restarts.length < n) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await end();
    await assert.rejects(model.tokenize('x'), (error) => {
        assert.match(error.message, /again and again .*: load the model again/);
        return crashed(error);
    });
    assert.equal(workers.length, 4);
});

test('close ends a restart, and what waits for it', async () => {
    const { model, fault, workers } = await faulty();
    fault('abort');
    await assert.rejects(model.generate(prompt, greedy).result, crashed);
    const waiting = [model.tokenize('x'), model.generate(prompt).result];
    model.close();
    for (const call of waiting) await assert.rejects(call, coded('DISPOSED'));
    await assert.rejects(model.tokenize('x'), coded('DISPOSED'));
    await Promise.all(
        workers.map(
            (worker) => worker.threadId < 0 || new Promise((resolve) => worker.on('exit', resolve)),
        ),
    );
});

test('R01 an engine that does not stop within two seconds is ended, but not for one who waits', async (t) => {
    const { model, fault, struck, restarts, workers } = await faulty();
    t.after(() => model.close());
    const stop = new AbortController();
    const [running, waiting] = [
        model.generate(prompt, { ...greedy, maxTokens: 400 }),
        model.generate(prompt, { ...greedy, signal: stop.signal }),
    ];
    await running[Symbol.asyncIterator]().next();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    stop.abort();
    t.mock.timers.tick(10_000);
    assert.equal((await waiting.result).finish, 'abort');
    assert.equal(workers.length, 1, 'it was not its turn');

    const hangs = struck();
    fault('hang', 3);
    const hanging = new AbortController();
    const answer = model.generate(prompt, { ...greedy, signal: hanging.signal });
    await hangs;
    hanging.abort();
    t.mock.timers.tick(1999);
    assert.equal(workers.length, 1);
    t.mock.timers.tick(1);
    await assert.rejects(answer.result, coded('ABORTED'));
    t.mock.timers.reset();
    await isFine(model);
    assert.deepEqual(restarts, ['it did not stop when it was told to']);
});

test('R04 where threads do not start or throw, one does all, and says so', async (t) => {
    const throwing = await faulty(modelPath, { threads: 2 }, { threads: 'throwing' });
    t.after(() => throwing.model.close());
    assert.equal(throwing.model.info.threads, 1);
    assert.match(throwing.model.info.note, /one thread, as with more: .*no thread/);
    await isFine(throwing.model);

    t.mock.timers.enable({ apis: ['setTimeout'] });
    const platform = faultyPlatform({ threads: 'silent' });
    const loading = load(platform, modelPath, { threads: 2 });
    while (platform.workers.length < 1) await new Promise(setImmediate);
    t.mock.timers.tick(30_000);
    const silent = await loading;
    t.mock.timers.reset();
    t.after(() => silent.close());
    assert.match(silent.info.note, /its threads do not start/);
    await isFine(silent);
});

test('R04 a thread that is gone is done without', async (t) => {
    const { model, workers, restarts } = await faulty(modelPath, { threads: 3 });
    t.after(() => model.close());
    await isFine(model);
    workers[0].postMessage({ fault: 'thread' });
    await isFine(model);
    assert.equal(restarts.length, 0);
});

test('R06 no memory for the engine, or no more of it, is OOM with what there is', async (t) => {
    // the k-th allocation that fails is in tests/unit/test_alloc.c
    const shared = await faulty(modelPath, { threads: 2 }, { memory: 'none' });
    t.after(() => shared.model.close());
    assert.match(
        shared.model.info.note,
        /one thread, as with more: there is no memory for an engine/,
    );
    await isFine(shared.model);

    const room = /\(the engine has 16 MB\)$/;
    const short = (what) => (error) => {
        assert.match(error.message, what);
        assert.match(error.message, room);
        return coded('OOM')(error);
    };
    const fixed = { memory: 'fixed' };
    const large = synthetic(faultyPlatform(fixed), '0.7B', { threads: 1 });
    await assert.rejects(large, short(/^no memory for the model's weights, \d+ MB/));
    const { model, restarts } = await faulty(modelPath, {}, fixed);
    t.after(() => model.close());
    await assert.rejects(model.tokenize('x'.repeat(2e7)), short(/^no memory for 20000001 bytes/));
    await isFine(model);
    assert.deepEqual(restarts, [], 'it is the same engine');
});

test('R28 what is no message of the protocol is ignored, or rejected by its id', async (t) => {
    const { model, workers } = await faulty();
    t.after(() => model.close());
    const [worker] = workers;
    const answers = new Map();
    worker.on('message', (message) => message?.error && answers.set(message.id, message.error));
    for (const message of [
        { abort: 4711 },
        { abort: 'x' },
        {},
        null,
        'text',
        7,
        [1],
        { op: 'generate' },
    ])
        worker.postMessage(message);
    worker.postMessage({ id: 'a', op: 'noSuchOp', args: [] });
    worker.postMessage({ id: 'b', op: 'constructor', args: [] });
    worker.postMessage({ id: 'c', op: 'tokenize' });
    worker.postMessage({ id: 'd', op: 'logits', args: [new Array(400).fill(7), true] });
    worker.postMessage({ id: 'd', op: 'noSuchOp', args: [] }); // again, before the first is answered
    await isFine(model);
    assert.deepEqual([...answers.keys()], ['a', 'b', 'c']);
    for (const { code } of answers.values()) assert.equal(code, 'PARAM');
    for (const answer of [undefined, null, 3, { id: 99, ok: 1 }, { id: 1, ok: 2 }, { event: 'x' }])
        worker.emit('message', answer);
    await isFine(model);
});

test('diagnostics tell what a report needs, at any time, and nothing that was said', async (t) => {
    const here = await Trit.diagnostics();
    assert.match(here.runtime, /^Node \d+/);
    assert.deepEqual([here.features.simd, here.storage.kind], [true, 'files']);
    assert.ok(here.build.threads >= 1);

    const { model, fault, struck, workers } = await faulty(modelPath, { threads: 2 });
    t.after(() => model.close());
    const secret = 'Xylophone';
    await model.generate(secret, greedy).result;
    const running = model.generate(secret, { ...greedy, maxTokens: 400 });
    await running[Symbol.asyncIterator]().next();
    let ended = false;
    running.result.then(() => (ended = true));
    const told = await model.diagnostics();
    assert.ok(!ended, 'not after the answer that is under way');
    const { state, restarts, lastCrash, fastestKernels, info } = told.model;
    assert.deepEqual([state, restarts, lastCrash], ['ready', 0, null]);
    assert.equal(info.kernels, fastestKernels);
    assert.deepEqual([info.threads, info.nVocab, info.kv], [2, 4096, 'f16']);
    assert.ok(info.memoryBytes > info.modelBytes + info.sessionBytes);
    assert.deepEqual(JSON.parse(JSON.stringify(told)), told);
    for (const word of [secret, modelPath, 'tiny-tales', process.cwd()])
        assert.ok(!JSON.stringify(told).includes(word), word);
    await running.result;

    const hangs = struck();
    fault('hang');
    const stop = new AbortController();
    const hung = model.generate(prompt, { ...greedy, signal: stop.signal }).result;
    await hangs;
    assert.equal((await model.diagnostics()).model.state, 'busy');
    stop.abort(); // what asked beside it does not keep it from being ended
    await assert.rejects(hung, coded('ABORTED'));
    await isFine(model);
    const later = (await model.diagnostics()).model;
    assert.deepEqual([later.restarts, later.lastCrash], [1, 'it did not stop when it was told to']);
    model.close();
    assert.equal((await model.diagnostics()).model.state, 'DISPOSED');
    assert.equal(workers.length, 2);
});

test('R21 one, two, four and eight threads, and both flavours, give the same ids', async () => {
    const flavours = (await Trit.diagnostics()).features.relaxedSimd
        ? ['simd128', 'relaxed']
        : ['simd128'];
    for (const threads of [1, 2, 4, 8])
        for (const flavour of flavours) {
            const model = await Trit.load(modelPath, { threads, flavour });
            await isFine(model);
            model.close();
        }
});
