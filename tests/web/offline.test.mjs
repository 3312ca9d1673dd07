// The second visit with all servers gone: the page comes from the service worker that README.md shows, the model from
// the store. Whoever asks a server all the same is heard: something else listens in its place.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { Trit } from '../../web/node.js';
import { openBrowser } from './browsers.mjs';
import { modelPath, root, temporaryFolder } from './helpers.mjs';
import { serveModel } from './model-server.mjs';
import { startServer } from './server.mjs';

const RECORD = 1 << 18;
const PROMPT = 'Once upon a time';
const packed = readFileSync(modelPath);
const nRecords = Math.ceil(packed.length / RECORD);

/** What browsers ask for by themselves: whether the service worker is another one, and their maker. */
const OWN = /^GET \/service-worker\.js |^\w+ \S+\.(google|googleapis)\.com\b/;

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const recipe = readme.match(/```js\n(\/\/ service-worker\.js\n[^`]+)```/)[1];

let expected;
before(async () => {
    const model = await Trit.load(modelPath, { threads: 1, flavour: 'simd128' });
    expected = (await model.generate(PROMPT, { temperature: 0, maxTokens: 8 }).result).ids;
    model.close();
});

/** Listens at a port, has nothing to give, and keeps the first line of each request. */
async function listenAt(port, lines) {
    const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', (data) => {
            lines.push(String(data).split('\r\n')[0]);
            socket.end('HTTP/1.1 503 \r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
        });
    });
    for (let isThere = false; !isThere;) {
        server.listen(port);
        isThere = await Promise.race([
            once(server, 'listening').then(() => true),
            once(server, 'error').then(() => wait(20, false)), // whoever had it is still about to go
        ]).catch(() => wait(20, false));
    }
    return server;
}

const inPage = {
    register: async () => {
        await navigator.serviceWorker.register('/service-worker.js');
        await navigator.serviceWorker.ready;
    },
    answer: async (url, options, prompt) => {
        const model = await window.Trit.load(url, options);
        const { ids } = await model.generate(prompt, { temperature: 0, maxTokens: 8 }).result;
        const { storeCalls } = (await model.diagnostics()).model;
        const { threads, stored } = model.info;
        model.close();
        return {
            ids,
            storeCalls,
            threads,
            stored,
            controlled: Boolean(navigator.serviceWorker.controller),
        };
    },
};

for (const name of ['chromium', 'firefox']) {
    const skip = browserMissing(name) ?? false;
    test(`S2 ${name}: the second visit needs no server`, { skip }, async (t) => {
        const lines = [];
        const elsewhere = await listenAt(0, lines);
        // All that is not on this machine; and Chromium is not to ask the network for a page, to be on the safe side,
        // while it wakes the page's service worker.
        const args = [
            `--proxy-server=http://localhost:${elsewhere.address().port}`,
            '--disable-features=ServiceWorkerAutoPreload',
        ];
        let browser;
        t.after(() => browser?.close()); // before its folder goes, into which it writes to its end
        const profile = temporaryFolder(t);
        browser = await openBrowser(name, { profile, args });
        const files = { '/service-worker.js': recipe };
        const pages = await startServer({ isolated: true, files });
        const models = await serveModel(packed, {
            'access-control-allow-origin': '*',
            'access-control-expose-headers': 'content-range',
        });
        const listeners = [elsewhere];
        t.after(() => listeners.forEach((server) => server.close()));
        t.after(() => [pages, models].forEach((server) => server.close()));
        const open = () => browser.open(`${pages.url}/tests/web/page.html`);
        const answer = async (page) => {
            const options = { threads: 2, store: { recordBytes: RECORD } };
            const found = await page.evaluate(inPage.answer, models.url, options, PROMPT);
            assert.deepEqual(found.ids, expected);
            assert.deepEqual([found.threads, found.stored, found.controlled], [2, true, true]);
            return found.storeCalls;
        };
        const first = await open();
        await first.evaluate(inPage.register);
        await first.close();
        const page = await open();
        const calls = await answer(page);
        assert.ok(calls.put >= nRecords, JSON.stringify(calls));

        pages.close();
        await models.stop();
        for (const { url } of [pages, models])
            listeners.push(await listenAt(Number(new URL(url).port), lines));
        lines.length = 0;
        const others = () => lines.filter((line) => !OWN.test(line));

        await t.test('a page that is still open loads it in a new engine', async () => {
            const { get, list, put } = await answer(page);
            t.diagnostic(`calls of C: get ${get}, list ${list}, put ${put}`);
            assert.equal(get, nRecords + 1, 'the manifest and every record');
            assert.ok(list > 0);
            assert.deepEqual(others(), []);
            await page.evaluate((url) => fetch(url).catch(() => {}), models.url);
            assert.deepEqual(others(), ['GET /model HTTP/1.1'], 'who asks is heard');
            lines.length = 0;
        });

        await t.test('a new page loads it, and nobody is asked', async () => {
            if (name === 'chromium') {
                // Firefox may have its worker on the disk only when it ends by itself
                await browser.close();
                browser = await openBrowser(name, { profile, args });
            }
            const { get } = await answer(await open());
            assert.equal(get, nRecords + 1);
            assert.deepEqual(others(), []);
        });
    });
}
