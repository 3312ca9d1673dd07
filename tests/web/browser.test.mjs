import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import test, { after, before } from 'node:test';
import puppeteer from 'puppeteer-core';
import { Trit } from '../../web/node.js';
import { modelPath } from './helpers.mjs';
import { startServer } from './server.mjs';

const executablePath = process.env.TRIT_CHROMIUM ?? '/usr/bin/chromium';
const args = [
    ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
    ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];
const prompt = 'Once upon a time';
const maxTokens = 24;

// A machine without this browser says so instead of passing.
test('Chromium', { skip: existsSync(executablePath) ? false : 'no Chromium here' }, async (t) => {
    let browser;
    let expected;
    before(async () => {
        browser = await puppeteer.launch({ executablePath, headless: true, args });
        const model = await Trit.load(modelPath, { threads: 1, flavour: 'simd128' });
        expected = await model.generate(prompt, { temperature: 0, maxTokens }).result;
        model.close();
    });
    after(() => browser.close());

    /** Opens the page, runs the body with it, and demands that nothing went wrong on the way. */
    const withPage = async (isolated, body, allowed = /^$/) => {
        const server = await startServer({ isolated });
        const page = await browser.newPage();
        const troubles = [];
        page.on('pageerror', (error) => troubles.push(String(error)));
        page.on('console', (message) => troubles.push(message.text()));
        try {
            await page.goto(`${server.url}/tests/web/page.html`);
            await page.waitForFunction('window.Trit');
            assert.equal(await page.evaluate('crossOriginIsolated'), isolated);
            await body(page, server);
            assert.deepEqual(
                troubles.filter((text) => !allowed.test(text)),
                [],
            );
        } finally {
            await page.close();
            server.close();
        }
    };
    const answer = (page, options) =>
        page.evaluate((...rest) => window.answer(...rest), options, prompt, maxTokens);

    for (const threads of [1, 2])
        for (const flavour of ['simd128', 'relaxed'])
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

    await t.test('without the headers one thread works, and info says why', () =>
        withPage(false, async (page) => {
            const { result, info } = await answer(page, {});
            assert.deepEqual(result.ids, expected.ids);
            assert.equal(info.threads, 1);
            assert.match(info.note, /cross-origin isolated/);
        }),
    );

    await t.test('a file of the user loads', () =>
        withPage(true, async (page) => {
            const input = await page.$('#file');
            await input.uploadFile(modelPath);
            const { result } = await page.evaluate(
                (...rest) => window.answerFile(...rest),
                {},
                prompt,
                maxTokens,
            );
            assert.deepEqual(result.ids, expected.ids);
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

    await t.test('failures have their codes', () =>
        withPage(
            false,
            async (page) => {
                const code = (source) =>
                    page.evaluate(
                        (s) => window.Trit.load(s).then(String, (error) => error.code),
                        source,
                    );
                assert.equal(await code('/tests/web/page.html'), 'NOT_A_MODEL');
                assert.equal(await code('http://localhost:1/'), 'NETWORK');
            },
            // the browser itself reports the refused connection
            /net::ERR_/,
        ),
    );
});
