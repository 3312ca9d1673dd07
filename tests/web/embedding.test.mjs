// Pages that hold the engine in other ways than its own: files of another origin, policies, missing features,
// several engines and frames. R20 and R22 are rows of the table of faults.
import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { Trit } from '../../web/node.js';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { modelPath } from './helpers.mjs';
import { startServer } from './server.mjs';

const prompt = 'Once upon a time';
const maxTokens = 16;
const source = '/models/tiny-tales/tiny-tales.trit';

let expected;
before(async () => {
    const model = await Trit.load(modelPath, { threads: 1 });
    expected = (await model.generate(prompt, { temperature: 0, maxTokens }).result).ids;
    model.close();
});

/** In a page: loads by the library at this address and answers; an error is its code and sentence. */
async function answerBy(library, options, text, nTokens) {
    try {
        const There = await window.importTrit(library);
        const model = await There.load('/models/tiny-tales/tiny-tales.trit', options);
        const { result } = model.generate(text, { temperature: 0, maxTokens: nTokens });
        const { ids } = await result;
        const { threads, note = '' } = model.info;
        model.close();
        return { ids, threads, note };
    } catch ({ code, message }) {
        return { code, message };
    }
}

for (const name of ['chromium', 'firefox', 'webkit']) {
    const skip = browserMissing(name) ?? false;
    test(name, { skip }, async (t) => {
        const browser = await openBrowser(name);
        t.after(() => browser.close());
        const serve = async (options) => {
            const server = await startServer(options);
            t.after(() => server.close());
            return server.url;
        };
        const elsewhere = await serve({
            isolated: false,
            headersOf: () => ({
                'access-control-allow-origin': '*',
                // asked for by WebKit, of scripts for workers of a page that is isolated
                'cross-origin-embedder-policy': 'require-corp',
            }),
        });
        const line = `import '${elsewhere}/web/remote-worker.js';`;
        const own = await serve({ isolated: true, files: { '/own/trit-worker.js': line } });

        /** What a page of this server makes of a function. Pages take long to open: one for each. */
        const pages = new Map();
        const inPage = async (url, work, ...args) => {
            if (!pages.has(url)) pages.set(url, await browser.open(`${url}/tests/web/page.html`));
            return pages.get(url).evaluate(work, ...args);
        };
        const answer = (url, library, options) =>
            inPage(url, answerBy, `${library}/web/index.js`, options, prompt, maxTokens);

        await t.test('files of another origin work through a line of the page’s own', async () => {
            const workerUrl = '/own/trit-worker.js';
            for (const threads of [1, 2]) {
                const got = await answer(own, elsewhere, { workerUrl, threads });
                assert.deepEqual(got, { ids: expected, threads, note: '' });
            }
        });

        await t.test('or through a blob, when that is allowed', async () => {
            const got = await answer(own, elsewhere, { allowBlobWorker: true, threads: 2 });
            assert.deepEqual(got, { ids: expected, threads: 2, note: '' });
        });

        await t.test('otherwise the error says what to do', async () => {
            for (const options of [{}, { workerUrl: `${elsewhere}/web/remote-worker.js` }]) {
                const { code, message } = await answer(own, elsewhere, options);
                assert.equal(code, 'WORKER_ORIGIN');
                assert.ok(message.includes(line) && message.includes('workerUrl'), message);
            }
            assert.equal((await answer(own, own, { workerUrl: 7 })).code, 'PARAM');
        });

        /** What a page makes of a conversation by a template of the model's own. */
        const render = (url, library, options) =>
            inPage(
                url,
                async (address, from, more) => {
                    const There = await window.importTrit(address);
                    const template = '{{ messages[0].content }}!';
                    const model = await There.load(from, { template, threads: 1, ...more });
                    const messages = [{ role: 'user', content: 'A tale' }];
                    const { result } = model.generate({ messages }, { maxTokens: 0 });
                    const { promptIds } = await result;
                    return model.detokenize(promptIds).finally(() => model.close());
                },
                ...[`${library}/web/index.js`, source, options],
            );

        await t.test('a template of the model’s own is rendered there too', async () => {
            const workerUrl = '/own/trit-worker.js';
            assert.equal(await render(own, elsewhere, { workerUrl }), 'A tale!');
        });

        await t.test('what a page has made of its fetch is not asked for a model', async () => {
            const { asked, ids } = await inPage(
                own,
                async (text) => {
                    let count = 0;
                    const was = window.fetch;
                    window.fetch = async () => {
                        count++;
                        throw new TypeError('the page has made this of it');
                    };
                    const base = document.createElement('base');
                    base.href = '/models/';
                    document.head.append(base);
                    try {
                        const from = 'tiny-tales/tiny-tales.trit';
                        const model = await window.Trit.load(from, { store: false });
                        const options = { temperature: 0, maxTokens: 16 };
                        const answered = await model.generate(text, options).result;
                        model.close();
                        return { asked: count, ids: answered.ids };
                    } finally {
                        window.fetch = was;
                        base.remove();
                    }
                },
                prompt,
            );
            assert.deepEqual({ asked, ids }, { asked: 0, ids: expected });
        });

        await t.test('R20 what an engine lacks is made up for, or told', async () => {
            const without = (missing) =>
                inPage(
                    own,
                    async (what, from, text) => {
                        const owner = what === 'validate' ? WebAssembly : window;
                        const was = owner[what];
                        owner[what] = what === 'validate' ? () => false : undefined;
                        try {
                            const model = await window.Trit.load(from, {});
                            const options = { temperature: 0, maxTokens: 16 };
                            const { ids } = await model.generate(text, options).result;
                            return { ids, note: model.info.note };
                        } catch ({ code, message }) {
                            return { code, message };
                        } finally {
                            owner[what] = was;
                        }
                    },
                    ...[missing, source, prompt],
                );
            const { ids, note } = await without('SharedArrayBuffer');
            assert.deepEqual(ids, expected);
            assert.match(note, /SharedArrayBuffer/);
            for (const missing of ['WebAssembly', 'validate']) {
                const { code, message } = await without(missing);
                assert.equal(code, 'UNSUPPORTED');
                assert.match(message, /WebAssembly/);
            }
        });

        await t.test('R20 policies that forbid workers or WebAssembly are told', async () => {
            const policy = (test, value) => (path) =>
                test.test(path) ? { 'content-security-policy': value } : {};
            const noWorker = await serve({
                isolated: false,
                headersOf: policy(/html$/, "worker-src 'none'"),
            });
            const { code, message } = await answer(noWorker, noWorker, {});
            assert.equal(code, 'RUNTIME_LOAD', message);
            assert.match(message, /worker-src/);
            const noWasm = await serve({
                isolated: false,
                headersOf: policy(/js$/, "default-src 'self'"),
            });
            const refused = await answer(noWasm, noWasm, {});
            assert.equal(refused.code, 'UNSUPPORTED', refused.message);
            assert.match(refused.message, /wasm-unsafe-eval/);
            const strict = await serve({
                isolated: true,
                headersOf: policy(
                    /js$/,
                    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'",
                ),
            });
            assert.deepEqual((await answer(strict, strict, { threads: 2 })).ids, expected);
            assert.equal(await render(strict, strict, {}), 'A tale!');
        });

        await t.test(
            'R22 engines of one page are independent, also one in a frame that goes',
            async () => {
                const all = await inPage(
                    own,
                    async (from, text) => {
                        const options = { temperature: 0, maxTokens: 16 };
                        const frame = document.createElement('iframe');
                        frame.src = location.href;
                        document.body.append(frame);
                        await new Promise((resolve) => (frame.onload = resolve));
                        const inside = await frame.contentWindow.Trit.load(from, { threads: 2 });
                        const models = [
                            await window.Trit.load(from, { threads: 2 }),
                            await window.Trit.load(from, { threads: 1, kv: 'f32' }),
                        ];
                        const running = models.map((model) => model.generate(text, options).result);
                        for await (const piece of inside.generate(text, { temperature: 0 }))
                            if (piece) break;
                        inside.generate(text, { temperature: 0 });
                        frame.remove();
                        running.push(models[0].generate(text, options).result);
                        const results = await Promise.all(running);
                        models[1].close();
                        results.push(await models[0].generate(text, options).result);
                        return results.map(({ ids }) => ids);
                    },
                    ...[source, prompt],
                );
                assert.equal(all.length, 4);
                for (const [i, ids] of all.entries())
                    if (i !== 1) assert.deepEqual(ids, expected, `answer ${i}`);
            },
        );
    });
}
