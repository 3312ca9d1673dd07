// Engines that crash, hang or do not start, in browsers: what life.test.mjs shows in Node, where the browser can differ.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { Trit } from '../../web/node.js';
import { openBrowser } from './browsers.mjs';
import { modelPath } from './helpers.mjs';
import { processesMissing } from './processes.mjs';
import { startServer } from './server.mjs';

const prompt = 'Once upon a time';
let expected;
let server;
before(async () => {
    const model = await Trit.load(modelPath, { threads: 1 });
    expected = (await model.generate(prompt, { maxTokens: 24, temperature: 0 }).result).ids;
    model.close();
    server = await startServer({ isolated: true });
});
after(() => server.close());

/** In the page: loads a model, and keeps its workers so that a test can do away with them. */
function prepare() {
    const NativeWorker = window.Worker;
    window.workers = [];
    window.Worker = class extends NativeWorker {
        constructor(...args) {
            super(...args);
            window.workers.push(this);
        }
    };
    window.faulty = async (options, threads = '') => {
        const reasons = [];
        const onRestart = ({ reason }) => reasons.push(reason);
        const workerUrl = `/tests/web/faulty-worker.js?threads=${threads}`;
        const source = '/models/tiny-tales/tiny-tales.trit';
        const model = await window.Trit.load(source, { ...options, workerUrl, onRestart });
        const ids = async () => {
            const { result } = model.generate('Once upon a time', {
                maxTokens: 24,
                temperature: 0,
            });
            return (await result).ids;
        };
        const fault = (message) => window.workers.at(-1).postMessage({ fault: message });
        const struck = () => {
            const worker = window.workers.at(-1);
            return new Promise((resolve) => {
                worker.addEventListener('message', ({ data }) => data.id === 'struck' && resolve());
            });
        };
        return { model, reasons, ids, fault, struck };
    };
    window.codeOf = (promise) => promise.then(String, (error) => error.code);
    window.until = async (isSo) => {
        while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
    };
}

for (const name of ['chromium', 'firefox', 'webkit']) {
    test(name, { skip: browserMissing(name) ?? false }, async (t) => {
        const browser = await openBrowser(name);
        t.after(browser.close);
        const page = await browser.open(`${server.url}/tests/web/page.html`);
        await page.evaluate(prepare);

        await t.test('R03 a worker that is terminated or ends itself is replaced', async () => {
            const { codes, all, n, same } = await page.evaluate(async () => {
                const { model, reasons, ids, fault } = await window.faulty({ threads: 2 });
                const { info } = model;
                const long = { maxTokens: 450, temperature: 0 };
                const [codes, all] = [[], []];
                for (let n = 0; n < 4; n++) {
                    const { result } = model.generate('Once upon a time', long);
                    await new Promise((resolve) => setTimeout(resolve, (n * 37) % 60));
                    if (n % 2) fault('end');
                    else window.workers.at(-1).terminate();
                    // on a machine that gives us no time, the answer has been there before
                    codes.push(
                        await result.then(
                            ({ finish }) => finish,
                            ({ code }) => code,
                        ),
                    );
                    await window.until(() => reasons.length > n);
                    all.push(await ids());
                }
                window.workers.at(-1).terminate(); // while nothing is under way
                await window.until(() => reasons.length === 5);
                all.push(await ids());
                const { threads, flavour, stored } = model.info;
                const same =
                    [threads, flavour, stored].join() ===
                    [info.threads, info.flavour, info.stored].join();
                model.close();
                return { codes, all, n: reasons.length, same };
            });
            assert.ok(codes.filter((code) => code === 'ENGINE_CRASHED').length >= 2, `${codes}`);
            assert.ok(
                codes.every((code) => ['ENGINE_CRASHED', 'length'].includes(code)),
                `${codes}`,
            );
            assert.deepEqual(all, new Array(5).fill(expected));
            assert.deepEqual([n, same], [5, true]);
        });

        await t.test('diagnostics tell of the browser and its storage', async () => {
            const { here, model } = await page.evaluate(async () => {
                const { model } = await window.faulty({ threads: 2 });
                const told = await model.diagnostics();
                model.close();
                return { here: await window.Trit.diagnostics(), model: told.model };
            });
            const { features, storage, build } = here;
            for (const name of ['crossOriginIsolated', 'threads', 'simd', 'secureContext', 'locks'])
                assert.equal(features[name], true, name);
            assert.equal(storage.kind, 'IndexedDB');
            assert.equal(build.note, null);
            assert.equal(typeof here.runtime, 'string');
            assert.deepEqual([model.state, model.info.threads], ['ready', 2]);
        });

        await t.test('R05 traps are', async () => {
            const kinds = ['out of bounds', 'unreachable', 'division by zero', 'stack overflow'];
            const answers = await page.evaluate(async (kinds) => {
                const { model, ids, fault } = await window.faulty({ threads: 1 });
                const answers = [];
                for (const kind of kinds) {
                    fault({ kind, after: 3 });
                    answers.push(await window.codeOf(ids()), await ids());
                }
                model.close();
                return answers;
            }, kinds);
            for (const [i, kind] of kinds.entries())
                assert.deepEqual(
                    answers.slice(2 * i, 2 * i + 2),
                    ['ENGINE_CRASHED', expected],
                    kind,
                );
        });

        await t.test('R01 an engine that does not stop is ended after two seconds', async () => {
            const { code, ms, after } = await page.evaluate(async () => {
                const { model, ids, fault, struck } = await window.faulty({ threads: 2 });
                const hangs = struck();
                fault({ kind: 'hang', after: 3 });
                const stop = new AbortController();
                const wish = { temperature: 0, signal: stop.signal };
                const { result } = model.generate('Once upon a time', wish);
                await hangs;
                const begin = performance.now();
                stop.abort();
                const code = await window.codeOf(result);
                const ms = performance.now() - begin;
                const after = await ids();
                model.close();
                return { code, ms, after };
            });
            assert.equal(code, 'ABORTED');
            assert.ok(ms > 1900 && ms < 4000, `${ms} ms`);
            assert.deepEqual(after, expected);
        });

        await t.test(
            'R23 a browser that sleeps while it generates goes on where it was',
            async (t) => {
                const reason =
                    processesMissing() ??
                    (name === 'webkit' ? 'its driver tells no process' : null);
                if (reason) return t.skip(reason);
                await page.evaluate(async () => {
                    const { model, ids, reasons } = await window.faulty({ threads: 2 });
                    const long = { maxTokens: 450, temperature: 0 };
                    const alone = (await model.generate('A king', long).result).ids.join();
                    await model.logits([1]); // so that it is computed again
                    window.asleep = model.generate('A king', long).result.then(async (result) => {
                        const all = [result.ids.join() === alone, await ids(), reasons.length];
                        model.close();
                        return all;
                    });
                });
                for (let n = 0; n < 3; n++) {
                    browser.signal('SIGSTOP');
                    await new Promise((resolve) => setTimeout(resolve, 300));
                    browser.signal('SIGCONT');
                    await new Promise((resolve) => setTimeout(resolve, 50));
                }
                assert.deepEqual(await page.evaluate(() => window.asleep), [true, expected, 0]);
            },
        );

        await t.test('R04 threads that do not start, throw, or are gone', async () => {
            const { gone, throwing, silent } = await page.evaluate(async () => {
                const one = await window.faulty({ threads: 3 });
                await one.ids();
                one.fault('thread');
                const gone = { ids: await one.ids(), n: one.reasons.length };
                one.model.close();
                const ask = async (kind) => {
                    const { model, ids } = await window.faulty({ threads: 2 }, kind);
                    const all = { ids: await ids(), info: model.info };
                    model.close();
                    return all;
                };
                const throwing = await ask('throwing');
                const native = window.setTimeout;
                window.setTimeout = (run, ms) => native(run, ms === 30_000 ? 500 : ms);
                const silent = await ask('silent');
                window.setTimeout = native;
                return { gone, throwing, silent };
            });
            assert.deepEqual(gone, { ids: expected, n: 0 });
            assert.match(throwing.info.note, /one thread, as with more:/);
            assert.match(silent.info.note, /one thread, as with more: its threads do not start/);
            for (const { ids, info } of [throwing, silent])
                assert.deepEqual([ids, info.threads], [expected, 1]);
        });
    });
}
