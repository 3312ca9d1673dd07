import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { Trit } from '../../web/node.js';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { modelPath } from './helpers.mjs';
import { startServer } from './server.mjs';

// What differs between the engines: whether they have relaxed SIMD, and the words in which they tell the
// console of a refused connection themselves.
const engines = {
    chromium: { relaxed: true, refused: /net::ERR_/ },
    firefox: { relaxed: true, refused: /^$/ },
    webkit: { relaxed: false, refused: /^$/ },
};
const prompt = 'Once upon a time';
const maxTokens = 24;

let expected;
let saved; // after half of the answer
before(async () => {
    const model = await Trit.load(modelPath, { threads: 1, flavour: 'simd128' });
    const options = { temperature: 0, maxTokens, logprobs: 2 };
    expected = await model.generate(prompt, options).result;
    const half = [...expected.promptIds, ...expected.ids.slice(0, maxTokens / 2)];
    saved = Array.from(await model.saveSession(half));
    model.close();
});

for (const [name, { relaxed, refused }] of Object.entries(engines)) {
    // The set-up has refused to go on in CI; elsewhere the reason is shown.
    const skip = browserMissing(name) ?? false;
    test(name, { skip }, async (t) => {
        const browser = await openBrowser(name);
        const servers = { true: await startServer({ isolated: true }) };
        servers.false = await startServer({ isolated: false });
        t.after(() => browser.close());
        t.after(() => Object.values(servers).forEach((server) => server.close()));

        /** Opens the page, runs the body with it, and demands that nothing went wrong on the way. */
        const withPage = async (isolated, body, allowed = /^$/) => {
            const page = await browser.open(`${servers[isolated].url}/tests/web/page.html`);
            try {
                assert.equal(await page.evaluate('crossOriginIsolated'), isolated);
                await body(page);
                const troubles = await page.troubles();
                assert.deepEqual(
                    troubles.filter((text) => !allowed.test(text)),
                    [],
                );
            } finally {
                await page.close();
            }
        };
        const answer = (page, options, nTokens = maxTokens) =>
            page.evaluate((...rest) => window.answer(...rest), options, prompt, nTokens);
        const errorCode = (page, source, options = {}) =>
            page.evaluate(
                (...rest) => window.Trit.load(...rest).then(String, (error) => error.code),
                ...[source, options],
            );

        const flavours = relaxed ? ['simd128', 'relaxed'] : ['simd128'];
        for (const threads of [1, 2])
            for (const flavour of flavours)
                await t.test(`${threads} thread(s), ${flavour}: the ids are Node's`, () =>
                    withPage(true, async (page) => {
                        const { result, info, loaded, shown } = await answer(page, {
                            threads,
                            flavour,
                        });
                        assert.deepEqual(result.ids, expected.ids);
                        assert.equal(shown, prompt + expected.text);
                        assert.equal(loaded, statSync(modelPath).size);
                        assert.deepEqual([info.threads, info.flavour], [threads, flavour]);
                    }),
                );

        await t.test('engines with threads start again and again in one page', () =>
            withPage(true, async (page) => {
                // Each driver has to let workers start workers: see firefox.mjs.
                for (let n = 0; n < 8; n++) {
                    const { result } = await answer(page, { threads: 8 }, 1);
                    assert.deepEqual(result.ids, expected.ids.slice(0, 1));
                }
            }),
        );

        if (!relaxed)
            await t.test('relaxed SIMD is refused by its code', () =>
                withPage(true, async (page) => {
                    const source = '/models/tiny-tales/tiny-tales.trit';
                    const wish = { flavour: 'relaxed' };
                    assert.equal(await errorCode(page, source, wish), 'UNSUPPORTED');
                }),
            );

        await t.test(
            'without the headers the best flavour works in one thread, and info says why',
            () =>
                withPage(false, async (page) => {
                    const { result, info } = await answer(page, {});
                    assert.deepEqual(result.ids, expected.ids);
                    assert.deepEqual([info.threads, info.flavour], [1, flavours.at(-1)]);
                    assert.match(info.note, /cross-origin isolated/);
                }),
        );

        await t.test('a file of the user loads', () =>
            withPage(true, async (page) => {
                await page.uploadFile('#file', modelPath);
                const { result } = await page.evaluate(
                    (...rest) => window.answerFile(...rest),
                    ...[{}, prompt, maxTokens],
                );
                assert.deepEqual(result.ids, expected.ids);
            }),
        );

        await t.test('a session that Node saved goes on with the same tokens and logprobs', () =>
            withPage(true, async (page) => {
                const { ids, logprobs, cachedTokens, n, again } = await page.evaluate(
                    async (bytes) => {
                        const source = '/models/tiny-tales/tiny-tales.trit';
                        const model = await window.Trit.load(source, { threads: 2 });
                        const known = await model.loadSession(Uint8Array.from(bytes));
                        const options = { temperature: 0, maxTokens: 12, logprobs: 2 };
                        const result = await model.generate(known, options).result;
                        const own = await model.saveSession(known);
                        model.close();
                        const { cachedTokens } = result.usage;
                        return { ...result, cachedTokens, n: known.length, again: Array.from(own) };
                    },
                    saved,
                );
                assert.deepEqual(ids, expected.ids.slice(maxTokens / 2));
                assert.deepEqual(logprobs, expected.logprobs.slice(maxTokens / 2));
                assert.equal(cachedTokens, n - 1);
                assert.deepEqual(again, saved, 'what is saved here is the same, byte by byte');
            }),
        );

        await t.test('an abort is read while the engine works', () =>
            withPage(false, async (page) => {
                const { finish, n } = await page.evaluate(async (text) => {
                    const model = await window.Trit.load('/models/tiny-tales/tiny-tales.trit');
                    const controller = new AbortController();
                    const { signal } = controller;
                    const stream = model.generate(text, { temperature: 0, signal });
                    let seen = 0;
                    for await (const piece of stream) if (piece && ++seen === 3) controller.abort();
                    const result = await stream.result;
                    model.close();
                    return { finish: result.finish, n: result.ids.length };
                }, prompt);
                assert.equal(finish, 'abort');
                assert.ok(n < 400, `${n} tokens`);
            }),
        );

        await t.test("a chat template of the model's own is rendered, or ended", () =>
            withPage(true, async (page) => {
                const { same, code } = await page.evaluate(async (text) => {
                    const source = '/models/tiny-tales/tiny-tales.trit';
                    const messages = [{ role: 'user', content: text }];
                    const render = async (template) => {
                        const model = await window.Trit.load(source, { threads: 1, template });
                        try {
                            const { result } = model.generate({ messages }, { maxTokens: 1 });
                            const { promptIds } = await result;
                            return `${promptIds}` === `${await model.tokenize(`${text}!`)}`;
                        } finally {
                            model.close();
                        }
                    };
                    const loop = '{% for a in range(9999) %}';
                    const ended = loop + loop + '{% endfor %}{% endfor %}';
                    return {
                        same: await render('{{ messages[0].content }}!'),
                        code: await render(ended).catch((error) => error.code),
                    };
                }, prompt);
                assert.deepEqual([same, code], [true, 'TEMPLATE']);
            }),
        );

        await t.test('failures have their codes', () =>
            withPage(
                false,
                async (page) => {
                    assert.equal(await errorCode(page, '/tests/web/page.html'), 'NOT_A_MODEL');
                    const once = { network: { firstTries: 1 } };
                    assert.equal(await errorCode(page, 'http://localhost:1/', once), 'NETWORK');
                },
                refused,
            ),
        );

        await t.test('troubles of a page reach the test', () =>
            withPage(
                false,
                async (page) => {
                    const fail = async (word) => {
                        console.error(word);
                        setTimeout(() => window.noSuchFunction(), 0);
                        await new Promise((resolve) => setTimeout(resolve, 100));
                        throw new Error(`rejected ${word}`);
                    };
                    await assert.rejects(page.evaluate(fail, 'written'), /rejected written/);
                    const troubles = await page.troubles();
                    assert.equal(troubles[0], 'written');
                    assert.match(troubles[1], /noSuchFunction/);
                },
                /written|noSuchFunction/,
            ),
        );
    });
}
