// One engine for several tabs: the same answers as alone, and another tab takes over when the one that has it is closed.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { Trit } from '../../web/node.js';
import { openBrowser } from './browsers.mjs';
import { modelPath } from './helpers.mjs';
import { startServer } from './server.mjs';

const prompt = 'Once upon a time';
const greedy = { maxTokens: 24, temperature: 0 };
let expected;
let chatted;
let server;
before(async () => {
    const model = await Trit.load(modelPath, { threads: 1, share: true });
    assert.match(model.info.note, /^not shared: /, 'there are no tabs in Node');
    expected = (await model.generate(prompt, greedy).result).ids;
    const chat = model.chat();
    chatted = [];
    for (const text of ['A cat', 'And a dog'])
        chatted.push((await chat.send(text, greedy).result).text);
    model.close();
    server = await startServer({ isolated: true });
});
after(() => server.close());

/** In each tab: counts engines, and loads the model when a test says so. */
function prepare() {
    const NativeWorker = window.Worker;
    window.nWorkers = 0;
    window.Worker = class extends NativeWorker {
        constructor(...args) {
            super(...args);
            window.nWorkers++;
        }
    };
    window.open = async (options) => {
        const source = '/models/tiny-tales/tiny-tales.trit';
        window.model = await window.Trit.load(source, { threads: 1, share: true, ...options });
    };
    window.ids = async () => {
        const { result } = window.model.generate('Once upon a time', {
            maxTokens: 24,
            temperature: 0,
        });
        return (await result).ids;
    };
    window.codeOf = (promise) =>
        promise.then(
            () => 'none',
            (error) => error.code,
        );
    window.role = async () => (await window.model.diagnostics()).model.role;
}

for (const name of ['chromium', 'firefox', 'webkit']) {
    test(name, { skip: browserMissing(name) ?? false }, async (t) => {
        const browser = await openBrowser(name);
        t.after(browser.close);
        const openTab = async (options = {}) => {
            const page = await browser.open(`${server.url}/tests/web/page.html`);
            await page.evaluate(prepare);
            await page.evaluate((wish) => window.open(wish), options);
            return page;
        };
        const first = await openTab();
        const second = await openTab();

        await t.test(
            'two tabs have one engine, and what each gets is what it would get alone',
            async () => {
                for (const [tab, workers, role] of [
                    [first, 1, 'has the engine'],
                    [second, 0, 'asks another tab'],
                ]) {
                    assert.deepEqual(await tab.evaluate(() => window.ids()), expected);
                    assert.equal(await tab.evaluate(() => window.nWorkers), workers);
                    assert.equal(await tab.evaluate(() => window.role()), role);
                }
                // conversations of both in turn, with forks that must not be each other's
                const talk = async (tab, text) =>
                    tab.evaluate(async (line) => {
                        window.chat ??= window.model.chat().fork();
                        return (
                            await window.chat.send(line, { maxTokens: 24, temperature: 0 }).result
                        ).text;
                    }, text);
                for (const [i, text] of ['A cat', 'And a dog'].entries())
                    for (const tab of [first, second])
                        assert.equal(await talk(tab, text), chatted[i]);
            },
        );

        await t.test('pieces, aborts and errors come through', async () => {
            const { text, pieces, finish, code, logits } = await second.evaluate(async () => {
                const stream = window.model.generate('Once upon a time', {
                    maxTokens: 24,
                    temperature: 0,
                });
                const pieces = [];
                for await (const piece of stream) pieces.push(piece);
                const { text } = await stream.result;
                const stop = new AbortController();
                const long = window.model.generate('A king', {
                    temperature: 0,
                    signal: stop.signal,
                });
                for await (const piece of long) if (piece) stop.abort();
                const { finish } = await long.result;
                const code = await window.codeOf(
                    window.model.tokenize('x'.repeat(10), { signal: AbortSignal.abort() }),
                );
                const logits = (await window.model.logits([1, 2], { all: true })).length;
                return { text, pieces, finish, code, logits };
            });
            assert.equal(pieces.join(''), text);
            assert.deepEqual([finish, code, logits], ['abort', 'ABORTED', 2 * 4096]);
            const tooLong = await second.evaluate(() => {
                const { result } = window.model.generate(new Array(600).fill(5), { maxTokens: 1 });
                return window.codeOf(result);
            });
            assert.equal(tooLong, 'PROMPT_TOO_LONG');
        });

        await t.test('each tab has the grammar of its own answer', async () => {
            const say = (tab, word) =>
                tab.evaluate(
                    async (grammar) =>
                        (await window.model.generate('A king', { grammar }).result).text,
                    `root ::= "${word}"`,
                );
            assert.deepEqual(await Promise.all([say(first, 'yes, he'), say(second, 'no, he')]), [
                'yes, he',
                'no, he',
            ]);
            const refused = await second.evaluate(() => {
                const { result } = window.model.generate('A king', { jsonSchema: { type: 'x' } });
                return window.codeOf(result);
            });
            assert.equal(refused, 'BAD_SCHEMA');
        });

        await t.test('other options have an engine of their own', async () => {
            const other = await openTab({ contextLength: 100 });
            assert.equal(await other.evaluate(() => window.nWorkers), 1);
            await other.close();
        });

        await t.test('when the tab with the engine is closed, the other one has it', async () => {
            // one that has begun to answer, one that waits behind it, and one in line
            await second.evaluate(async () => {
                const running = window.model.generate('A king', {
                    maxTokens: 480,
                    temperature: 0.1,
                    seed: 1,
                });
                window.running = window.codeOf(running.result);
                window.behind = window.ids();
                window.behind.catch(() => {});
                const loop = running[Symbol.asyncIterator]();
                while (!(await loop.next()).value);
            });
            await first.close();
            const { code, ids } = await second.evaluate(async () => ({
                code: await window.running,
                ids: await window.behind,
            }));
            assert.ok(['ENGINE_CRASHED', 'none'].includes(code), code);
            assert.deepEqual(ids, expected, 'what had not begun begins anew');
            assert.equal(await second.evaluate(() => window.role()), 'has the engine');
            assert.equal(await second.evaluate(() => window.nWorkers), 1);
        });

        await t.test(
            'a model that is closed gives the engine away, and a new tab gets it',
            async () => {
                const third = await openTab();
                assert.equal(await third.evaluate(() => window.nWorkers), 0);
                await second.evaluate(() => window.model.close());
                assert.deepEqual(await third.evaluate(() => window.ids()), expected);
                assert.equal(await third.evaluate(() => window.role()), 'has the engine');
                assert.equal(await second.evaluate(() => window.codeOf(window.ids())), 'DISPOSED');
            },
        );
    });
}
